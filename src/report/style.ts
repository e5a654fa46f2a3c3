/** The look of a report: one column, two colour schemes, and paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2328; --soft: #59636e; --paper: #ffffff; --panel: #f6f7f9; --edge: #d8dde3;
  --good: #1a7f37; --bad: #c4222c; --unsure: #8f5f00; --quiet: #6a737d; --blue: #1f5fbf; --band: #1f5fbf1f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1; --paper: #14181c; --panel: #1c2127; --edge: #343c45;
  --good: #4cc268; --bad: #ff7a72; --unsure: #e0a93a; --quiet: #8b95a0; --blue: #79aef5; --band: #79aef526; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 4px 0 10px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 40px 0 12px; }
h3 { font-size: 16px; margin: 24px 0 8px; }
p { margin: 0 0 10px; overflow-wrap: anywhere; }
.brand { color: var(--soft); font-size: 13px; letter-spacing: 0.08em; text-transform: uppercase; margin: 0; }
.lead { font-size: 18px; }
a { color: var(--blue); }
.soft, figcaption, caption { color: var(--soft); font-size: 14px; }
.badge { display: inline-block; padding: 2px 12px; border-radius: 99px; font-weight: 600; font-size: 15px; border: 1.5px solid currentColor; vertical-align: middle; letter-spacing: 0; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .unsure { color: var(--unsure); } .quiet { color: var(--quiet); }
.panel { background: var(--panel); border: 1px solid var(--edge); border-left: 4px solid currentColor; border-radius: 8px; padding: 14px 18px; margin: 20px 0; }
.panel > * { color: var(--ink); } .panel > :last-child { margin-bottom: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; margin: 6px 0 16px; }
caption { text-align: left; padding: 4px 0; }
th, td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--edge); overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; }
tbody th { white-space: nowrap; width: 1%; padding-right: 24px; }
td.number, time, code { font-variant-numeric: tabular-nums; } td.number { white-space: nowrap; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dl.head { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 14px 24px; margin: 22px 0 0; }
dl.head dt { color: var(--soft); font-size: 13px; } dl.head dd { margin: 0; overflow-wrap: anywhere; }
ol.timeline { list-style: none; margin: 0; padding: 0; }
ol.timeline li { display: grid; grid-template-columns: 76px 24px 1fr auto; gap: 8px; padding: 5px 0; border-bottom: 1px solid var(--edge); }
ol.timeline time, ol.timeline .took { color: var(--soft); font-size: 14px; white-space: nowrap; }
ol.timeline .text { overflow-wrap: anywhere; min-width: 0; }
details { border-top: 1px solid var(--edge); padding: 10px 0; } details:last-of-type { border-bottom: 1px solid var(--edge); }
summary { cursor: pointer; overflow-wrap: anywhere; }
figure { margin: 0 0 26px; overflow-x: auto; } figcaption b { color: var(--ink); font-size: 16px; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--soft); }
svg.track .verb { fill: var(--ink); font-size: 14px; font-weight: 600; }
.station circle { fill: var(--paper); stroke: currentColor; stroke-width: 2.5; }
.station.good circle, .station.bad circle, .station.unsure circle { fill: currentColor; }
.station .sign { fill: var(--paper); font-size: 17px; font-weight: 700; } .station.quiet .sign { fill: currentColor; }
.station .word { fill: currentColor; }
.rail { stroke: var(--quiet); stroke-width: 2.5; } .rail.ahead { stroke-dasharray: 2 6; stroke-linecap: round; opacity: 0.6; }
.back { fill: none; stroke: var(--bad); stroke-width: 2; stroke-dasharray: 5 4; } .back-head { fill: var(--bad); } svg .back-label { fill: var(--bad); font-weight: 600; }
svg.chart { width: 100%; min-width: 640px; height: auto; display: block; }
.grid { stroke: var(--edge); } .band { fill: var(--band); } .level { stroke: var(--blue); stroke-dasharray: 6 4; opacity: 0.8; }
.series { fill: none; stroke: var(--ink); stroke-width: 1.8; stroke-linejoin: round; } .dot { fill: var(--ink); } svg .gap { fill: var(--bad); }
.mark { stroke: var(--unsure); stroke-width: 1.2; stroke-dasharray: 3 3; } svg .mark-label { fill: var(--unsure); paint-order: stroke; stroke: var(--paper); stroke-width: 4px; } svg .none { font-size: 15px; }
footer { margin-top: 48px; color: var(--soft); font-size: 13px; }
@media (max-width: 560px) { main { padding: 24px 16px; } ol.timeline li { grid-template-columns: 70px 20px 1fr; } ol.timeline .took { grid-column: 3; } }
@media print { svg.chart { min-width: 0; } :root { color-scheme: light; } main { max-width: none; padding: 0; } figure, tr, li, .panel { break-inside: avoid; } svg.track { width: 100%; height: auto; } details::details-content { content-visibility: visible; display: block; height: auto; } * { print-color-adjust: exact; } }
`;
