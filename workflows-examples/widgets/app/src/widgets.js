/** What the shop sells. In 1.0.0 the catalogue is part of the program. */

/** The tables that this version reads and writes. */
export const TABLES = ['orders'];

const CATALOGUE = [
  { name: 'sprocket', price: 12.5 },
  { name: 'gear', price: 20 },
  { name: 'flange', price: 7.25 },
  { name: 'spindle', price: 16 },
];

/** @param {import('node:sqlite').DatabaseSync} _database */
export function openWidgets(_database) {
  return {
    list: () => CATALOGUE,
    find: (name) => CATALOGUE.find((widget) => widget.name === name),
    /** Null: this version cannot add widgets. */
    add: null,
  };
}
