export const id=528;export const ids=[528];export const modules={45528:(r,n,t)=>{t.r(n),t.d(n,{run:()=>run});var e=t(79460);function run(r,n){return(0,e.stage)("deliver",[...r,"--plan","true"],n)}}};
