"""The look of the reports: one style sheet, calm on screen and on paper, no resource from elsewhere."""

from __future__ import annotations

STYLE = """
:root{--ink:#1c2733;--soft:#5b6876;--faint:#8d98a5;--line:#e3e7ec;--paper:#fff;--ground:#f6f5f2;
--lead:#0d6e6e;--lead-soft:#d9ebea;--warm:#b5602c;--cool:#3a679f;
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","PingFang SC","Hiragino Sans GB",
"Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Micro Hei",sans-serif}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink)}
main{max-width:960px;margin:0 auto;padding:36px 28px 56px}
.choice{position:absolute;opacity:0;pointer-events:none}
#lang-en:checked~main .zh,#lang-zh:checked~main .en{display:none}
.lang{float:right;display:flex;gap:2px;margin:4px 0 0 24px;font-size:13px}
.lang label{padding:3px 10px;border-radius:14px;color:var(--soft);cursor:pointer}
#lang-en:checked~main label[for=lang-en],#lang-zh:checked~main label[for=lang-zh]{background:var(--lead-soft);
color:var(--lead)}
.choice:focus-visible~main .lang{outline:2px solid var(--lead);outline-offset:3px;border-radius:14px}
h1{font-size:28px;line-height:1.25;font-weight:650;letter-spacing:-.01em;margin:0 0 8px}
h2{font-size:18px;font-weight:650;margin:0 0 14px}
h3{font-size:14px;font-weight:600;margin:22px 0 8px;color:var(--ink)}
p{margin:0 0 12px;max-width:86ch}
.meta{color:var(--soft);font-size:13px;margin:0 0 4px}
.note{color:var(--soft);font-size:13.5px}
.scroll+.note{margin:12px 0 0}
section{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:24px 26px;
margin:18px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(134px,1fr));gap:12px;margin:26px 0 18px}
.card{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:14px 15px}
.card b{display:block;font-size:23px;line-height:1.25;font-weight:600;letter-spacing:-.015em;
white-space:nowrap;font-variant-numeric:tabular-nums}
.card.lead b{color:var(--lead)}
.card span{display:block}.card span span{display:inline}
.card .name{font-size:12.5px;color:var(--soft);margin-bottom:4px}
.card .under{font-size:12.5px;color:var(--faint);margin-top:2px}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:32px}
.pair>*{min-width:0}
.key{display:inline-block;width:18px;height:0;border-top:2.5px solid;vertical-align:middle;margin:0 6px 0 0}
.key.positive{border-color:var(--warm)}.key.negative{border-color:var(--cool)}
.legend{font-size:13px;color:var(--soft);margin:0 0 6px;display:flex;gap:18px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th{font-weight:500;color:var(--soft);text-align:left;font-size:12.5px;white-space:nowrap}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th:last-child,td:last-child{padding-right:0}
tr:last-child td{border-bottom:0}
tr.total td{font-weight:600;border-top:1px solid var(--faint)}
.number{text-align:right;white-space:nowrap}
td.column{overflow-wrap:anywhere;min-width:9em}
td.drawn{width:24%;min-width:84px}
th[colspan]{padding-left:12px}
ul{margin:0;padding-left:20px}li{margin:5px 0;max-width:76ch}
code{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere;
color:var(--soft)}
summary{cursor:pointer;color:var(--lead);font-size:13.5px;margin-top:12px}
details[open] summary{margin-bottom:8px}
.badge{font-size:12px;color:var(--lead);background:var(--lead-soft);border-radius:10px;padding:2px 9px;
font-weight:500;margin-left:8px;white-space:nowrap}
svg.chart{display:block;width:100%;max-width:560px;height:auto}
svg.diverging,svg.share{display:block;width:100%;height:14px;margin-top:3px}
svg text{fill:var(--soft);font-size:11.5px}
.end{text-anchor:end}.middle{text-anchor:middle}.start{text-anchor:start}
.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--faint);stroke-width:1}
.chance{stroke:var(--faint);stroke-width:1.2;stroke-dasharray:4 4}
.gap{stroke:var(--ink);stroke-width:1.4;stroke-dasharray:2 3}
.curve{fill:none;stroke-width:2.4;stroke-linejoin:round}
.curve.positive{stroke:var(--warm)}.curve.negative{stroke:var(--cool)}
.dot.positive{fill:var(--warm)}.dot.negative{fill:var(--cool)}
rect.bar{fill:var(--lead)}rect.own{fill:var(--lead-soft)}rect.more{fill:var(--warm)}rect.less{fill:var(--cool)}
.diverging .axis{stroke-width:.6;vector-effect:non-scaling-stroke}
.stem{stroke-width:2;stroke:var(--faint)}.head{fill:var(--faint)}
.stem.lead{stroke:var(--lead)}.head.lead{fill:var(--lead)}
svg text.value{fill:var(--ink);font-size:12px;paint-order:stroke;stroke:var(--paper);stroke-width:3px}
svg text.lead{fill:var(--lead);font-weight:600}
svg text.name{font-size:12.5px}
@media(max-width:680px){main{padding:22px 14px 40px}section{padding:18px 16px}
.pair{grid-template-columns:1fr;gap:18px}
.legend[aria-hidden]{display:none}
h1{font-size:23px}.cards{grid-template-columns:1fr 1fr;gap:10px}.card{padding:12px 14px}
.card b{font-size:22px}}
@media print{:root{font-size:12px}body{background:#fff}main{max-width:none;padding:0}.lang{display:none}
section,.card{border-color:#ccc;break-inside:avoid}section{padding:14px 16px;margin:10px 0}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
