"""Every text that people read at the terminal, in English and Chinese: one catalogue, one key each.

Messages of errors themselves stay English, so that their wording can be searched for; what stands around
them is translated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tacit.apps.cli.psi_words import PSI_WORDS
from tacit.apps.cli.report_words import REPORT_WORDS

LANGUAGES = ("en", "zh")

TERMINAL_WORDS: Mapping[str, tuple[str, str]] = {
    # --- help ---
    "help.approve": (
        "Sign, as the owner of a column, for what the safety gate does not prove safe, in this job of a "
        "project and after what it revealed so far.",
        "作为列的所有者，为安全门未能证明安全的披露签字：只对该项目的这个任务、在目前已披露内容之后有效。",
    ),
    "help.app": (
        "Tacit: institutions compute together on data that none of them shows.",
        "Tacit：多方联合计算，数据不出门。",
    ),
    "help.init": (
        "Make this party's keys and certificate, and show the fingerprint that the others pin.",
        "生成本方密钥与证书，并显示供对方核对的指纹。",
    ),
    "help.check": (
        "Look before you run: data problems, what will be revealed to "
        "whom, bytes and seconds. Sends nothing.",
        "运行前自检：数据问题、将向谁披露什么、预计流量与耗时。不发送任何数据。",
    ),
    "help.train": (
        "Train one model with the other party. Run it on both sides, in any order.",
        "与对方联合训练一个模型。两边各自运行，先后不限。",
    ),
    "help.predict": (
        "Score new rows with a saved model. Run it on both sides; the job says who learns the scores.",
        "用已保存的模型为新样本打分。两边各自运行，谁得到分数由任务文件规定。",
    ),
    "help.demo": (
        "See all of it on this machine: a bank and a partner, two processes, real data, real protocols.",
        "在本机完整演示：银行与合作方两个进程，真实数据，真实协议。",
    ),
    "help.home": ("This party's home folder: keys, certificate, models.", "本方主目录：密钥、证书、模型。"),
    "help.name": ("This party's name, as job files write it.", "本方名称，与任务文件中一致。"),
    "help.me": ("Which party of the job I am.", "我是任务中的哪一方。"),
    "help.config": ("The job file.", "任务文件。"),
    "help.data": (
        "Data file, instead of the job file's local entry.",
        "数据文件，代替任务文件 local 中的设置。",
    ),
    "help.new_data": ("The new rows to score.", "待打分的新样本。"),
    "help.listen": (
        "host:port to listen on, if it differs from the address in the job (behind NAT).",
        "本方监听的 host:port（若与任务文件中的地址不同，例如在 NAT 之后）。",
    ),
    "help.peer": (
        "host:port of the other party, if it differs from the job.",
        "对方的 host:port（若与任务文件不同）。",
    ),
    "help.json": (
        "Print the result as one JSON object on standard output.",
        "在标准输出打印一个 JSON 结果。",
    ),
    "help.events": (
        "Print progress events as JSON lines on standard output.",
        "在标准输出逐行打印 JSON 进度事件。",
    ),
    "help.lang": ("en or zh; by default from LC_ALL or LANG.", "en 或 zh；默认取自 LC_ALL 或 LANG。"),
    "help.model": ("Folder of the saved model.", "已保存模型的目录。"),
    "help.out": ("File for the scores, a CSV; it must not exist yet.", "分数输出文件（CSV），不得已存在。"),
    "help.demo_home": ("Folder for everything the demo makes.", "演示所有产物所在的目录。"),
    "help.rows": (
        "How many of the 1,000 customers to use (700 to 1000).",
        "使用 1000 名客户中的多少名（700 至 1000）。",
    ),
    "help.seed": ("Fixes which rows are held out.", "决定哪些样本留作测试。"),
    "help.peer_rows": ("How many rows the other party is expected to have.", "预计对方有多少行。"),
    "help.version": ("Show the version and stop.", "显示版本并退出。"),
    # --- errors ---
    "error.what": ("error", "错误"),
    "error.code": ("code", "代码"),
    "error.who": ("who must act", "由谁处理"),
    "error.hint": ("what to do", "怎么办"),
    "error.party": ("in the process of", "出错的一方"),
    "error.also": ("and {n} more; see tacit check", "另有 {n} 个问题，见 tacit check"),
    "who.somebody": ("somebody", "未知"),
    "who.caller": ("you, who started this command", "您（启动本命令的人）"),
    "who.data owner": ("you, the owner of the data", "您（数据所有者）"),
    "who.peer": ("the other party", "对方"),
    "who.operator": ("whoever runs the machines and the network", "运维人员（机器与网络）"),
    "who.job owner": ("whoever wrote the job's limits", "任务负责人（任务限额）"),
    "who.Tacit": ("the makers of Tacit; please report it with its code", "Tacit 开发者；请附代码反馈"),
    # --- init ---
    "init.done": ("Identity of {name} made in {home}", "已在 {home} 生成 {name} 的身份"),
    "init.certificate": ("certificate", "证书"),
    "init.fingerprint": ("fingerprint", "指纹"),
    "init.next": ("next", "下一步"),
    "init.send": (
        "send the certificate to the other party; it holds no secret. "
        "Compare the fingerprint by telephone. "
        "Never send private_key.pem or vault.key.",
        "把证书文件发给对方（不含机密），并通过电话核对指纹。切勿发送 private_key.pem 与 vault.key。",
    ),
    # --- steps ---
    "step.connect": ("Meet over mutual TLS 1.3", "双向 TLS 1.3 建立连接"),
    "step.setup": ("Agree on the job, make keys", "核对任务、生成会话密钥"),
    "step.psi": ("Private set intersection", "隐私求交"),
    "step.gate": ("Safety gate and ledger", "安全门与台账"),
    "step.widths": ("Agree on column counts", "商定列数"),
    "step.statistics": ("Joint statistics", "联合统计"),
    "step.training": ("Training on shares", "秘密分享上训练"),
    "step.evaluation": ("Evaluation on shares", "秘密分享上评估"),
    "step.scoring": ("Scoring on shares", "秘密分享上打分"),
    "step.comparison": ("Plaintext comparison (demo only)", "明文对照（仅演示）"),
    "step.listens": ("listening on {address}", "正在监听 {address}"),
    "step.dials": ("dialing {address}", "正在连接 {address}"),
    "step.waiting": ("waiting for {peer}, {seconds} s", "等待 {peer}，已 {seconds} 秒"),
    "step.aligned": ("{common} ids in common", "共有 {common} 个 ID"),
    "step.epoch": ("epoch {epoch} of {epochs}", "第 {epoch}/{epochs} 轮"),
    "board.sent": ("{party} sent", "{party} 发送"),
    # --- results ---
    "result.title": ("{party} · job {job} · done in {seconds} s", "{party} · 任务 {job} · 用时 {seconds} 秒"),
    "result.rows": ("rows", "样本"),
    "result.rows_text": (
        "{common} common (of {mine} ids here, {theirs} there): {train} to train, {test} to test",
        "共有 {common}（本方 {mine} 个 ID，对方 {theirs} 个）：训练 {train}，测试 {test}",
    ),
    "result.left_out": ("left out", "剔除"),
    "result.left_out_text": (
        "{n_null} rows without an id; {n_duplicate} repeated ids (the first row of each was kept)",
        "无 ID 的行 {n_null}；重复 ID 的行 {n_duplicate}（保留首行）",
    ),
    "result.quality": ("held-out rows", "留出样本"),
    "result.coefficients": ("coefficients", "系数"),
    "result.coefficients_own": (
        "{n} of this party's own columns, in the report",
        "本方 {n} 列的系数，见报告",
    ),
    "result.coefficients_shared": ("nobody learned them; they stay shared", "仍为秘密分享，双方均未得知"),
    "result.sent": ("left this house", "流出本方"),
    "result.model": ("model", "模型"),
    "result.report": ("report", "报告"),
    "result.scores": ("scores", "分数"),
    "result.scores_text": ("{n} rows, written to {path}", "{n} 行，已写入 {path}"),
    "result.no_scores": ("revealed to {to}, not to this party", "仅披露给 {to}，本方未得到"),
    # --- check ---
    "check.title": ("{party} · job {job} · nothing was sent", "{party} · 任务 {job} · 未发送任何数据"),
    "check.data": ("data", "数据"),
    "check.data_text": (
        "{rows} rows, {ids} different ids, {columns} columns, {features} after encoding",
        "{rows} 行，{ids} 个不同 ID，{columns} 列，编码后 {features} 列",
    ),
    "check.label": ("label", "标签"),
    "check.label_text": ("{share} positive", "正例占 {share}"),
    "check.threads": ("threads", "线程"),
    "check.reveals": ("What this job reveals", "本任务将披露"),
    "check.what": ("what", "内容"),
    "check.to": ("to", "给谁"),
    "check.guard": ("only if", "条件"),
    "check.guarded": ("both classes have at least 20 rows", "两类样本各不少于 20 行"),
    "check.always": ("always", "总是"),
    "check.price": ("Predicted for {rows} common rows", "按 {rows} 行共有样本预计"),
    "check.bytes": ("{sent} sent by this party", "本方发送 {sent}"),
    "check.seconds": (
        "{loopback} s on one machine, {lan} s in a 1 Gbit/s network, {wan} s at 100 Mbit/s and 20 ms",
        "同机 {loopback} 秒；1 Gbit/s 局域网 {lan} 秒；100 Mbit/s、20 ms 广域网 {wan} 秒",
    ),
    "check.assumed": (
        "if the other party has {rows} ids, all common, and {features} columns after encoding",
        "假设对方有 {rows} 个 ID 且全部共有，编码后 {features} 列",
    ),
    "gate.title": ("What can be worked out of it", "由披露内容可以推出什么"),
    "gate.column": ("column", "列"),
    "gate.before": ("by", "对谁"),
    "gate.verdict": ("verdict", "结论"),
    "gate.why": ("because", "原因"),
    "gate.safe": ("safe", "安全"),
    "gate.unknown": ("not proved safe", "未证明安全"),
    "gate.unsafe": ("not safe", "不安全"),
    "gate.signed": (
        "Signed for all of the own columns above: {path}",
        "已为上列本方各列签字：{path}",
    ),
    "check.problems": ("Problems", "问题"),
    "check.error": ("blocks", "阻断"),
    "check.warning": ("warning", "警告"),
    "check.ready": ("Ready. Run on both sides:", "自检通过。两边各自运行："),
    "check.blocked": ("Not ready: {n} problems block this job.", "未通过：{n} 个问题阻断本任务。"),
    # --- revealed things ---
    "reveal.set sizes": ("how many ids each party has", "各方 ID 数量"),
    "reveal.intersection": ("which ids are common", "哪些 ID 共有"),
    "reveal.fingerprints": (
        "keyed fingerprints of inputs: whether they are those of an earlier run of the project",
        "输入的带密钥指纹：是否与本项目此前运行相同",
    ),
    "reveal.widths": ("how many columns after encoding each party has", "各方编码后列数"),
    "reveal.evaluation": (
        "AUC, KS and the gains table of the held-out rows",
        "留出样本的 AUC、KS 与分箱表",
    ),
    "reveal.correlations": (
        "correlation of each of {party}'s own columns with the label",
        "{party} 自有各列与标签的相关系数",
    ),
    "reveal.coefficients": ("coefficients of {party}'s own columns", "{party} 自有各列的模型系数"),
    "reveal.scores": ("the score of every common row", "每个共有样本的分数"),
    "reveal.all": ("all", "双方"),
    # --- demo ---
    "demo.title": (
        "Tacit demo · everything runs on this machine · {home} (delete it to start over)",
        "Tacit 演示 · 全部在本机运行 · {home}（删除即可重来）",
    ),
    "demo.bank": (
        "{rows} customers · {columns} columns of the application · label {label}",
        "{rows} 名客户 · 申请资料 {columns} 列 · 标签 {label}",
    ),
    "demo.partner": (
        "{rows} customers · {columns} columns of the account",
        "{rows} 名客户 · 账户资料 {columns} 列",
    ),
    "demo.process": ("process {pid}", "进程 {pid}"),
    "demo.model": ("model", "模型"),
    "demo.joint": ("joint, on shares: nobody saw the other's rows", "联合（秘密分享）：互不见对方数据"),
    "demo.pooled": ("same model on pooled plaintext", "同一模型，明文汇集"),
    "demo.bank_only": ("the bank's columns alone", "仅银行自有列"),
    "demo.learned": ("{party} learned", "{party} 得知"),
    "demo.learned_text": (
        "{common} common ids, the test figures, {n} coefficients and correlations of its own columns",
        "{common} 个共有 ID、测试指标、自有列的 {n} 个系数与相关系数",
    ),
    "demo.left": ("left {party}", "流出 {party}"),
    "demo.left_text": (
        "{bytes} of masked and shared values, not one row",
        "{bytes} 盲化或分享后的数值，无一行原始数据",
    ),
    "demo.report": ("report", "报告"),
    "demo.took": ("{seconds} s in all", "总计 {seconds} 秒"),
    "demo.interrupted": ("Demo stopped; both processes were ended.", "演示已中止，两个进程均已结束。"),
}

WORDS: Mapping[str, tuple[str, str]] = {**TERMINAL_WORDS, **PSI_WORDS, **REPORT_WORDS}


class Words:
    """Looks texts up in one language: `words("step.psi")`, with fields by name."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._index = LANGUAGES.index(self.language)

    def __call__(self, key: str, /, **fields: Any) -> str:
        text = WORDS[key][self._index]
        return text.format(**fields) if fields else text


def choose_language(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """`--lang` if it is given, else what LC_ALL or LANG says, else English."""
    for index, argument in enumerate(arguments):
        if argument == "--lang" and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument.startswith("--lang="):
            return argument.removeprefix("--lang=")
    spoken = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "zh" if spoken.startswith("zh") else "en"


def revealed(words: Words, name: str) -> str:
    """What a reveal of the protocol's name `name` means to people."""
    kind, _, party = name.partition(".")
    key = f"reveal.{kind}"
    if key not in WORDS:
        return name
    return words(key) if kind == "evaluation" else words(key, party=party)


def amount(n_bytes: float) -> str:
    """A number of bytes with three digits and its unit."""
    for unit in ("B", "KB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.0f} {unit}" if unit == "B" or n_bytes >= 99.95 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
