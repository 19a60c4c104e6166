//! How pages look.

/// The colours are those of the pictures of songs: apart in light and in dark, and for those who
/// do not see red and green apart. Words and line styles say the same as colours.
pub const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fff;--ink:#1d2126;--soft:#565d66;--rule:#d5d9de;\
--card:#f5f6f8;--a:#0069a6;--b:#a8481f;--bass:#8a2f9c;--tempo:#22262b;--meet:#000;--link:#005a9e}\
@media(prefers-color-scheme:dark){:root{--paper:#15171b;--ink:#e9ebee;--soft:#a9b0ba;\
--rule:#3a4049;--card:#1e2126;--a:#5cb8f0;--b:#f08a5d;--bass:#d7a4f2;--tempo:#e9ebee;\
--meet:#fff;--link:#7cc4ff}}\
*{box-sizing:border-box}html{background:var(--paper);color:var(--ink)}\
body{margin:0;font:16px/1.5 system-ui,'DejaVu Sans',sans-serif}\
main{max-width:66rem;margin:0 auto;padding:1rem}\
h1{font-size:1.7rem;line-height:1.2;margin:.6rem 0}h2{font-size:1.3rem;margin:2.2rem 0 .5rem}\
h3{font-size:1rem;margin:.8rem 0 .2rem}summary h3{display:inline;margin:0}h4{font-size:.95rem;margin:1rem 0 .2rem}\
p,ul{max-width:46rem;margin:.5rem 0}a{color:var(--link)}\
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem}\
:focus-visible{outline:3px solid var(--link);outline-offset:2px}\
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.6rem 0}\
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}\
details{border:1px solid var(--rule);border-radius:8px;margin:.6rem 0;background:var(--card)}\
summary{cursor:pointer;padding:.6rem .8rem;overflow-wrap:anywhere}details>div{padding:0 .8rem .8rem}\
.badge{display:inline-block;font-size:.85rem;color:var(--soft);margin-left:.8rem;\
font-variant-numeric:tabular-nums}\
.wide{overflow-x:auto;margin:.6rem 0}.wide>svg{display:block;width:100%;min-width:58rem;height:auto}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}\
caption{text-align:left;color:var(--soft);padding-bottom:.3rem}\
th,td{text-align:left;padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--rule);\
vertical-align:top;font-weight:400}thead th{font-weight:600}.n{text-align:right;white-space:nowrap}\
.costs td:last-child{width:14rem}.bar{display:block;height:.8em;margin-top:.35em;\
background:var(--a);border-radius:2px}.bar.bad{background:var(--b)}\
svg text{fill:var(--ink);font-size:12px}svg .mid{text-anchor:middle}\
svg .row{text-anchor:end;font-weight:600}svg .scale{text-anchor:end;fill:var(--soft)}\
svg .clock{text-anchor:middle;fill:var(--soft)}svg .note{fill:var(--soft)}\
svg .ta{fill:var(--a);font-weight:600}svg .tb{fill:var(--b);font-weight:600}\
svg .tbass{fill:var(--bass)}svg .ea{text-anchor:end}\
svg .song{font-weight:600}svg path{fill:none;stroke-width:1.6}\
svg .ra{fill:var(--a);fill-opacity:.22;stroke:var(--a)}svg .rb{fill:var(--b);fill-opacity:.22;stroke:var(--b)}\
svg .meet{fill:var(--meet);fill-opacity:.07}svg .grid{stroke:var(--rule);stroke-width:1}\
svg .key{stroke:var(--ink)}svg .la{stroke:var(--a)}svg .lb{stroke:var(--b)}svg .bass{stroke:var(--bass);stroke-width:2}\
svg .middle{stroke-dasharray:9 3 2 3}svg .drums{stroke-dasharray:7 4}svg .other{stroke-dasharray:2 3}\
svg .own{stroke-width:1;stroke-dasharray:3 3}svg .tempo{stroke:var(--tempo);stroke-width:2}\
svg .ticks{stroke-width:1.2}svg .downs{stroke-width:2.4}svg .jump{stroke:var(--b)}\
svg .p{stroke:var(--paper);fill-opacity:.45}\
svg .p0{fill:#56b4e9}svg .p1{fill:#e69f00}svg .p2{fill:#009e73}svg .p3{fill:#cc79a7}\
svg .p4{fill:#f0e442}svg .p5{fill:#0072b2}svg .p6{fill:#d55e00}svg .p7{fill:#999}\
@media(max-width:40rem){.facts{grid-template-columns:1fr}.facts dd{margin-bottom:.4rem}\
.badge{display:block;margin:0}th,td{padding-right:.6rem}}\
@media print{details{break-inside:avoid}}";
