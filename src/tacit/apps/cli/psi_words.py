"""Texts of private joins, in English and Chinese: the options of `tacit psi`, its look ahead, its report."""

from __future__ import annotations

from collections.abc import Mapping

PSI_WORDS: Mapping[str, tuple[str, str]] = {
    # --- help ---
    "help.psi": (
        "Join two tables privately: each side gets its own rows that belong to the result. Run it on both "
        "sides, in any order.",
        "隐私求交与连接：各方只得到自己表中属于结果的行。两边各自运行，先后不限。",
    ),
    "help.key": ("Key column; several times for a composite key.", "主键列；复合主键可多次给出。"),
    "help.join": (
        "inner, left, right, full or difference; left is the party that the job names first.",
        "inner、left、right、full 或 difference；left 指任务文件中先列出的一方。",
    ),
    "help.receivers": (
        "Who learns which keys are common: both (or all), or one party's name.",
        "谁得知哪些主键共有：both（或 all），或某一方的名称。",
    ),
    "help.protocol": (
        "auto, or one by name: rr22, rr22-low, ecdh, ecdh-sm2, ecdh-ristretto255, unbalanced.",
        "auto，或指定协议：rr22、rr22-low、ecdh、ecdh-sm2、ecdh-ristretto255、unbalanced。",
    ),
    "help.security": ("semi-honest or malicious.", "semi-honest（半诚实）或 malicious（恶意）。"),
    "help.order": (
        "joint: line i is the same key on both sides; file: the order of one's own file.",
        "joint：两边第 i 行为同一主键；file：保持本方文件顺序。",
    ),
    "help.trim": (
        "Whether white space at the ends of a key counts for nothing (default: it does not count).",
        "主键首尾空白是否忽略（默认忽略）。",
    ),
    "help.case": (
        "keep, or lower: whether upper and lower case differ.",
        "keep（区分大小写）或 lower（不区分）。",
    ),
    "help.duplicates": (
        "first: of rows with one key keep the first; refuse: stop; all: a line for every pair of equal keys.",
        "first：同一主键保留首行；refuse：报错停止；all：相等主键的每对行各成一行。",
    ),
    "help.link_mbit": (
        "Megabits per second between the two sides, for --protocol auto.",
        "双方之间的带宽（Mbit/s），供 --protocol auto 选择协议。",
    ),
    "help.query": (
        "SQL whose result is this side's table: of the DuckDB database that --data names, or of files that "
        "the query names.",
        "以 SQL 查询结果作为本方数据表：查询 --data 所指的 DuckDB 数据库，或查询语句中写明的文件。",
    ),
    "help.memory": (
        "Memory for this side, for example 2GiB: the sets go through the disk, and a run that was cut goes "
        "on where it was. Both sides must give one.",
        "本方可用内存，例如 2GiB：更大的集合分批经磁盘处理，中断后可续跑；双方都须给出。",
    ),
    "help.tell": (
        "What is learned: rows (default); or, without telling which: count, sum, enough, rows-if-enough.",
        "得知什么：rows（默认）；或不透露具体行：count、sum、enough、rows-if-enough。",
    ),
    "help.sum": (
        "With --tell sum: a column of the second party's, summed over the common keys; may come again.",
        "配合 --tell sum：对第二方的某列在共有主键上求和；可多次给出。",
    ),
    "help.at_least": (
        "With --tell enough, rows-if-enough or sum: how many common keys are enough.",
        "配合 --tell enough、rows-if-enough 或 sum：共有主键的门限数。",
    ),
    "help.budget": (
        "With --protocol unbalanced, at the side that answers: how many keys the other may ask in all.",
        "配合 --protocol unbalanced，用于应答方：对方累计可查询的主键数。",
    ),
    "help.join_out": (
        "File for this side's rows: .csv, .csv.gz, .tsv or .parquet; it must not exist yet.",
        "本方结果文件：.csv、.csv.gz、.tsv 或 .parquet，不得已存在。",
    ),
    "help.report": (
        "File for the report: JSON or a page if its name ends in .json or .html, else text.",
        "报告文件：以 .json 结尾为 JSON，以 .html 结尾为网页，否则为文本。",
    ),
    "help.dry_run": ("Show what would happen and stop. Sends nothing.", "仅显示将发生什么，不发送任何数据。"),
    # --- before ---
    "psi.before": (
        "{party} · job {job} · before anything is sent",
        "{party} · 任务 {job} · 发送任何数据之前",
    ),
    "psi.keys": ("keys", "主键"),
    "psi.keys_text": (
        "{distinct:,} different ones in {rows:,} rows; columns: {columns}",
        "{rows:,} 行中有 {distinct:,} 个不同主键；列：{columns}",
    ),
    "psi.missing": ("join nothing", "不参与匹配"),
    "psi.missing_text": (
        "{null:,} rows with NULL in the key, {empty:,} with an empty part",
        "主键含 NULL 的行 {null:,}，含空值的行 {empty:,}",
    ),
    "psi.repeated": ("repeated", "重复"),
    "psi.repeated_text": (
        "{repeated:,} rows whose key came before; they are left out",
        "主键重复的行 {repeated:,}，已剔除",
    ),
    "psi.pairs_text": (
        "{repeated:,} rows whose key came before; every pair of rows with equal keys is a line",
        "主键重复的行 {repeated:,}；主键相等的每对行各成一行",
    ),
    "psi.changed": ("made alike", "规范化"),
    "psi.changed_text": (
        "{trimmed:,} trimmed, {normalised:,} brought into Unicode NFC, {lowered:,} made lower case",
        "去首尾空白 {trimmed:,}，转为 Unicode NFC {normalised:,}，转小写 {lowered:,}",
    ),
    "psi.zeros": ("leading zeros", "前导零"),
    "psi.zeros_text": (
        "{zeros} keys begin with 0: '01' is not 1; does the other side write them, too?",
        "{zeros} 个主键以 0 开头：'01' 与 1 不同，请确认对方写法一致",
    ),
    "psi.asks": ("result", "结果"),
    "psi.asks_text": (
        "{join} join, {order} order; {receivers} learn which keys are common",
        "{join} 连接，{order} 顺序；由 {receivers} 得知共有主键",
    ),
    "psi.asks_one_text": (
        "{join} join, {order} order; only {receivers} learns which keys are common",
        "{join} 连接，{order} 顺序；仅 {receivers} 得知共有主键",
    ),
    "psi.tell_count": (
        "both learn how many keys are common, nobody learns which",
        "双方得知共有主键的数量，任何一方都不知具体是哪些",
    ),
    "psi.tell_sum": (
        "both learn how many keys are common and the sums of {columns} over them, nobody learns which",
        "双方得知共有主键的数量及其 {columns} 之和，任何一方都不知具体是哪些",
    ),
    "psi.tell_sum_if_enough": (
        "both learn whether {at_least} keys or more are common; if so, how many and the sums of {columns} "
        "over them",
        "双方得知共有主键是否不少于 {at_least} 个；若是，得知其数量及 {columns} 之和",
    ),
    "psi.tell_enough": (
        "both learn whether {at_least} keys or more are common, nobody learns how many or which",
        "双方得知共有主键是否不少于 {at_least} 个，任何一方都不知数量与具体是哪些",
    ),
    "psi.tell_rows_if_enough": (
        "both learn whether {at_least} keys or more are common; if so, {first} learns which",
        "双方得知共有主键是否不少于 {at_least} 个；若是，{first} 得知具体是哪些",
    ),
    "psi.rules": ("rules", "规则"),
    "psi.rules_text": (
        "white space at the ends {trim}, letter case {case}; 1 and '1' are one key, '01' is another",
        "首尾空白 {trim}，大小写 {case}；1 与 '1' 相同，'01' 不同",
    ),
    "psi.trim_yes": ("ignored", "忽略"),
    "psi.trim_no": ("kept", "保留"),
    "psi.case_keep": ("kept", "区分"),
    "psi.case_lower": ("ignored", "不区分"),
    # --- progress ---
    "step.rows": ("Tell how many rows", "告知行数"),
    "step.counts": ("Tell how often common keys come", "告知共有主键的出现次数"),
    "step.ended": ("Both sides have all they need", "双方均已取得所需"),
    "step.alone": (
        "the other side has nothing left to do here; the result that was kept is written",
        "对方在此已无待办；写出已保存的结果",
    ),
    "step.read": ("{rows} rows grouped", "已分组 {rows} 行"),
    "step.chosen": ("{protocol}, about {seconds} s", "{protocol}，约 {seconds} 秒"),
    "step.share": ("{percent} %", "{percent} %"),
    "step.left": ("{percent} %, {seconds} s left", "{percent} %，还需 {seconds} 秒"),
    # --- after ---
    "psi.common": ("common", "共有"),
    "psi.common_text": (
        "{common:,} keys (of {mine:,} here, {theirs:,} there)",
        "{common:,} 个主键（本方 {mine:,} 个，对方 {theirs:,} 个）",
    ),
    "psi.hidden_text": (
        "only {receivers} learned which (of {mine:,} keys here, {theirs:,} there)",
        "仅 {receivers} 得知（本方 {mine:,} 个主键，对方 {theirs:,} 个）",
    ),
    "psi.several_text": (
        "{common:,} keys are common to all (of {mine:,} here)",
        "各方共有 {common:,} 个主键（本方 {mine:,} 个）",
    ),
    "psi.several_hidden_text": (
        "only {receivers} learned which (of {mine:,} keys here)",
        "仅 {receivers} 得知（本方 {mine:,} 个主键）",
    ),
    "psi.because_several": ("it is the one for several parties", "多方求交仅此一种"),
    "psi.several_cost_text": (
        "{seconds} s (predicted {predicted_seconds}), {bytes} sent and received here (predicted "
        "{predicted_bytes})",
        "{seconds} 秒（预计 {predicted_seconds}），本方收发共 {bytes}（预计 {predicted_bytes}）",
    ),
    "psi.written": ("rows", "行"),
    "psi.written_text": ("{lines:,}, written to {path}", "{lines:,} 行，已写入 {path}"),
    "psi.not_written_text": (
        "{lines:,}; without --out nothing was written",
        "{lines:,} 行；未给 --out，未写出",
    ),
    "psi.protocol": ("protocol", "协议"),
    "psi.protocol_text": (
        "{psi} ({security}), because {reason}",
        "{psi}（{security}），因为{reason}",
    ),
    "psi.because_asked": ("it was asked for by name", "任务指定"),
    "psi.because_only": ("it is the only one at this security level and size", "该安全级别与规模下仅此一种"),
    "psi.because_work": (
        "it computes least, and the link is fast enough for its messages",
        "其计算量最小，且链路足以承载其通信",
    ),
    "psi.because_least": ("it computes as little as any and sends less", "其计算量与最小者相当，通信量更少"),
    "psi.because_bytes": (
        "its fewer bytes and messages outweigh what it computes",
        "其通信量与轮数更少，抵过计算量",
    ),
    "psi.because_memory": (
        "it runs in groups on disk, within the memory that was allowed",
        "它可在磁盘上分组运行，不超出所允许的内存",
    ),
    "psi.because_hidden": (
        "which keys are common stays on shares",
        "哪些主键共有始终处于秘密分享状态",
    ),
    "psi.enough_text": (
        "{at_least:,} keys or more (of {mine:,} here, {theirs:,} there)",
        "不少于 {at_least:,} 个主键（本方 {mine:,} 个，对方 {theirs:,} 个）",
    ),
    "psi.not_enough_text": (
        "fewer than {at_least:,} keys (of {mine:,} here, {theirs:,} there)",
        "少于 {at_least:,} 个主键（本方 {mine:,} 个，对方 {theirs:,} 个）",
    ),
    "psi.table": ("table", "密文表"),
    "psi.table_text": (
        "version {version}, {items} keys; {changes}",
        "第 {version} 版，{items} 个主键；{changes}",
    ),
    "psi.table_first": ("the first one", "首个版本"),
    "psi.table_changes": (
        "{added} came and {removed} went since the version before",
        "较上一版新增 {added} 个，移除 {removed} 个",
    ),
    "psi.answered_text": (
        "{theirs:,} keys were asked of {mine:,}; only {receivers} learned which are here",
        "对方查询 {theirs:,} 个主键（本方共 {mine:,} 个）；仅 {receivers} 得知哪些存在",
    ),
    "step.table": ("Table of the larger set", "大集合的密文表"),
    "psi.sum_of": ("sum of {column}", "{column} 之和"),
    "step.types": ("Agree on types of columns", "约定列的类型"),
    "step.overlap": ("Open the answer", "揭示答案"),
    "psi.stored": ("on disk", "磁盘"),
    "psi.stored_before_text": (
        "within {memory}; what a cut run has done is kept in {folder}, and the same command goes on with it",
        "内存上限 {memory}；中断的进度保存在 {folder}，重新运行同一命令即可续跑",
    ),
    "psi.stored_text": (
        "{groups} groups; runs so far: {attempts}, each a query of the same two sets",
        "分 {groups} 组；至今运行 {attempts} 次，每次都算对同一对集合的一次查询",
    ),
    "psi.cost": ("cost", "开销"),
    "psi.foreseen_text": (
        "about {seconds} s and {bytes} by {psi}, if the other side has as many keys",
        "若对方主键数相同，用 {psi} 约需 {seconds} 秒、{bytes}",
    ),
    "psi.foreseen_several_text": (
        "about {seconds} s and {bytes} sent and received here by {psi}, if the others have as many keys each",
        "若其他各方主键数相同，用 {psi} 约需 {seconds} 秒，本方收发约 {bytes}",
    ),
    "psi.cost_text": (
        "{seconds} s (predicted {predicted_seconds}), {bytes} of both sides (predicted {predicted_bytes})",
        "{seconds} 秒（预计 {predicted_seconds}），双方共 {bytes}（预计 {predicted_bytes}）",
    ),
    # --- the page ---
    "join.title": ("Private join, report for {party}", "隐私连接报告：{party}"),
    "join.lead": (
        "{parties} compared their keys; nobody's keys left the house. This page is {party}'s own and holds "
        "nothing that {party} did not learn.",
        "{parties} 比较了各自的主键，主键均未离开各方。本页为 {party} 专有，不含 {party} 未得知的内容。",
    ),
    "join.common": ("common keys", "共有主键"),
    "join.of": ("of {mine} here, {theirs} there", "本方 {mine} 个，对方 {theirs} 个"),
    "join.of_mine": ("of {mine} here", "本方 {mine} 个"),
    "join.withheld": ("not told to {party}", "未告知 {party}"),
    "join.enough": ("{at_least} common keys or more", "共有主键不少于 {at_least} 个"),
    "join.yes": ("yes", "是"),
    "join.no": ("no", "否"),
    "join.lines": ("lines of the result", "结果行数"),
    "join.lines_note": ("{join} join, {order} order", "{join} 连接，{order} 顺序"),
    "join.bytes": ("bytes", "通信量"),
    "join.bytes_note": ("predicted {bytes}", "预计 {bytes}"),
    "join.seconds": ("seconds", "耗时"),
    "join.seconds_note": ("predicted {seconds} s for the comparison", "比较预计 {seconds} 秒"),
    "join.overlap": ("The sets", "集合"),
    "join.dark": ("dark: common keys", "深色：共有主键"),
    "join.rule": ("rule", "规则"),
    "join.rows_or_parts": ("rows or parts", "行数或处数"),
    "join.keys": ("What the rules made of {party}'s keys", "规则对 {party} 主键的处理"),
    "join.key_rows": ("rows", "行数"),
    "join.key_distinct": ("different keys", "不同主键"),
    "join.key_null": ("rows with NULL in the key: they join nothing", "主键含 NULL 的行：不参与匹配"),
    "join.key_empty": ("rows with an empty part: they join nothing", "主键含空值的行：不参与匹配"),
    "join.key_repeated": ("rows whose key came before", "主键重复的行"),
    "join.key_trimmed": ("parts that lost white space at the ends", "去除首尾空白"),
    "join.key_normalised": ("parts brought into Unicode NFC", "转为 Unicode NFC"),
    "join.key_lowered": ("parts made lower case", "转为小写"),
    "join.key_zeros": ("parts that begin with 0: '01' is not 1", "以 0 开头：'01' 与 1 不同"),
    "join.only_learned": (
        "All that anybody learned beyond its own table is in these lines, by name and by how many numbers.",
        "各方在自有数据之外得知的一切均列于此表，注明名称与数值个数。",
    ),
    "join.claims": (
        "{psi}: {security}, {kappa} bits computational, {sigma} statistical; assumes {assumes}; {maturity}.",
        "{psi}：{security}，计算安全 {kappa} 比特，统计安全 {sigma} 比特；假设 {assumes}；{maturity}。",
    ),
    "join.terms": ("agreed terms", "约定"),
    "psi.learned": ("{party} learned", "{party} 得知"),
    "reveal.size": ("how many ids {party} has", "{party} 的 ID 数量"),
    "reveal.table": ("which table the side that asks had already", "查询方已有哪一版密文表"),
    "reveal.version": (
        "the table's version: how many ids it has, how many came and went",
        "密文表的版本：ID 数量与增减数",
    ),
    "reveal.counts": ("how often each common id comes on the other side", "每个共有 ID 在对方出现的次数"),
    "reveal.types": ("types of the summed columns", "求和列的类型"),
    "reveal.count": ("how many ids are common", "共有 ID 的数量"),
    "reveal.sums": ("the sums over the common ids", "共有 ID 上的合计"),
    "reveal.enough": ("whether enough ids are common", "共有 ID 是否达到门限"),
    "reveal.rows": ("how many rows each party brings", "各方参与的行数"),
}
