"""Every text of the HTML reports, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

REPORT_WORDS: Mapping[str, tuple[str, str]] = {
    "report.title_party": ("What {party} learned", "{party} 得知了什么"),
    "report.title_demo": ("Two institutions, one credit model", "两家机构，一个信用模型"),
    "report.lead_party": (
        "{parties} trained one model together. This report holds what "
        "{party} learned, and is for {party} only.",
        "{parties} 联合训练了一个模型。本报告只含 {party} 得知的内容，仅供 {party} 使用。",
    ),
    "report.lead_demo": (
        "A bank knows the application and the outcome, its partner knows "
        "the account. They trained one model "
        "over mutual TLS; neither saw a row of the other. This page shows "
        "both sides only because the demo owns both.",
        "银行掌握申请资料与结果，合作方掌握账户情况。双方经双向 TLS "
        "联合训练一个模型，互不可见对方的任何一行。"
        "本页能同时展示两边，只因演示同时拥有两份数据。",
    ),
    "report.job": ("job {job}", "任务 {job}"),
    "report.version": ("Tacit {version}", "Tacit {version}"),
    # headline
    "report.auc": ("held-out AUC", "留出样本 AUC"),
    "report.ks": ("held-out KS", "留出样本 KS"),
    "report.common": ("common customers", "共有客户"),
    "report.common_note": ("{train} to train, {test} to test", "训练 {train}，测试 {test}"),
    "report.sent": ("sent by {party}", "{party} 发出"),
    "report.sent_note": ("masked or shared values", "盲化或分享后的数值"),
    "report.seconds": ("seconds", "耗时（秒）"),
    "report.seconds_note": ("{rounds} rounds", "{rounds} 轮通信"),
    "report.exact": ("exact, computed on shares", "精确值，在分享上计算"),
    "report.bound": ("± {bound}, computed on shares", "± {bound}，在分享上计算"),
    "report.at_least": ("at least, computed on shares", "下限，在分享上计算"),
    # comparison
    "report.comparison": ("Was it worth it?", "联合是否值得？"),
    "report.comparison_note": (
        "AUC on the same {test} held-out customers. The joint model must "
        "come within 0.005 of the same model on "
        "pooled plaintext; it differs by {difference}. With the partner's "
        "columns the bank's own AUC changes by {gain}.",
        "同一批 {test} 名留出客户上的 AUC。联合模型与明文汇集的同一模型相差须不超过 "
        "0.005，实际相差 {difference}。"
        "加入合作方的列后，银行单方 AUC 变化 {gain}。",
    ),
    "report.joint": ("Joint, on shares", "联合（秘密分享）"),
    "report.pooled": ("Pooled plaintext (only possible in the demo)", "明文汇集（仅演示可行）"),
    "report.bank_only": ("The bank's columns alone", "仅银行自有列"),
    # ranking
    "report.ranking": ("How well the scores separate", "分数的区分能力"),
    "report.ks_caption": (
        "KS curve: share found of the positives and of the others, from "
        "the highest scores down. The KS of all scores "
        "is {ks}; the curve is drawn from {bins} bins of at least "
        "{least} rows, nothing finer was opened.",
        "KS 曲线：从最高分往下，正例与负例各找到的比例。KS 为 {ks}；曲线由 {bins} 个分箱绘制，"
        "每箱不少于 {least} 行，未披露更细内容。",
    ),
    "report.lift_caption": (
        "Lift: each bin's rate of positives over the overall rate of {rate}.",
        "提升度：各箱正例率与总体正例率 {rate} 之比。",
    ),
    "report.positives": ("positives", "正例"),
    "report.negatives": ("others", "负例"),
    "report.axis_rows": ("share of rows, highest scores first", "样本比例（高分在前）"),
    "report.axis_bins": ("bin, highest scores first", "分箱（高分在前）"),
    "report.bins_table": ("The gains table in numbers", "分箱表"),
    "report.bin": ("bin", "分箱"),
    "report.bin_rows": ("rows", "样本数"),
    "report.bin_positives": ("positives", "正例数"),
    "report.bin_rate": ("rate", "正例率"),
    "report.bin_found": ("found so far", "累计捕获"),
    # coefficients
    "report.coefficients": ("Coefficients and correlations", "系数与相关性"),
    "report.coefficients_note": (
        "Coefficients are for standardised columns; a bar to the right "
        "raises the score. Each party learned those "
        "of its own columns only. A correlation is between one column "
        "and the label, on the training rows.",
        "系数对应标准化后的列；向右表示提高分数。各方只得知自有列的系数。"
        "相关系数为单列与标签在训练样本上的相关。",
    ),
    "report.seen_by": ("seen by {party} only", "仅 {party} 可见"),
    "report.column": ("column", "列"),
    "report.coefficient": ("coefficient", "系数"),
    "report.correlation": ("correlation with the label", "与标签的相关系数"),
    "report.shared": (
        "The job keeps coefficients shared: nobody learned them.",
        "按任务约定系数保持秘密分享，双方均未得知。",
    ),
    # revealed
    "report.revealed": ("What was revealed, and to whom", "披露了什么、给谁"),
    "report.what": ("what", "内容"),
    "report.to": ("to", "给谁"),
    "report.numbers": ("numbers", "数值个数"),
    "report.condition": ("condition", "条件"),
    "report.guarded": (
        "opened only after a check on shares: 20 rows of each class",
        "先在分享上核验：两类样本各不少于 20 行",
    ),
    "report.always": ("part of the protocol", "协议固有"),
    "report.hidden": ("What was not revealed", "没有披露什么"),
    "report.hidden_rows": ("no row, and no value of any column", "任何一行、任何一列的任何取值"),
    "report.hidden_label": ("no label to {others}", "标签未向 {others} 披露"),
    "report.hidden_ids": (
        "no id outside the intersection; of those only the count",
        "交集以外的任何 ID（仅知数量）",
    ),
    "report.hidden_scores": ("no row's score or rank, to anybody", "任何样本的分数或名次（对任何一方）"),
    "report.hidden_training": (
        "no gradient, residual, loss or intermediate weight: they stayed shared through all of training",
        "梯度、残差、损失与中间权重：训练全程保持秘密分享",
    ),
    "report.hidden_others": (
        "no coefficient or correlation of the other party's columns",
        "对方各列的系数与相关系数",
    ),
    "report.hidden_names": (
        "no category of the other party's columns, only how many columns they make",
        "对方类别列的取值名称（仅知编码后列数）",
    ),
    # traffic
    "report.traffic": ("Time and traffic", "耗时与流量"),
    "report.step": ("step", "步骤"),
    "report.total": ("total", "合计"),
    "report.bytes_of": ("{party} sent", "{party} 发送"),
    "report.traffic_note": (
        "Bytes are those of message bodies, as the run measured them. With frame headers: {wire}.",
        "字节数为消息体，由运行过程实测。含帧头：{wire}。",
    ),
    # protocol
    "report.protocol": ("Protocol and assumptions", "协议与假设"),
    "report.protocol_align": (
        "Alignment: ECDH private set intersection over ristretto255 (Meadows 1986), both sides learn it",
        "对齐：ristretto255 上的 ECDH 隐私求交（Meadows 1986），双方得知交集",
    ),
    "report.protocol_scheme": (
        "Computation: additive shares modulo 2^64 between the two "
        "({scheme}); correlated randomness by OT "
        "extension between the two, no dealer, no third party",
        "计算：双方之间模 2^64 加法秘密分享（{scheme}）；相关随机数由双方以 OT 扩展生成，无可信第三方",
    ),
    "report.protocol_security": (
        "Security: {security}, {kappa} bits computational, {sigma} bits "
        "statistical. Both parties are assumed to "
        "follow the protocol; one that deviates could learn more.",
        "安全性：{security}，计算安全 {kappa} 比特，统计安全 {sigma} 比特。"
        "假定双方遵守协议；偏离协议者可能得知更多。",
    ),
    "report.protocol_assumes": ("It assumes: {assumes}", "所依赖的假设：{assumes}"),
    "report.protocol_numbers": (
        "Numbers: fixed point with {bits} fractional bits; sigmoid within {sigmoid} of the true one",
        "数值：{bits} 位小数的定点数；sigmoid 近似误差不超过 {sigmoid}",
    ),
    "report.protocol_link": (
        "Link: mutual TLS 1.3, each side pins the other's certificate; "
        "both sides compared the digest of the job "
        "before any data message",
        "链路：双向 TLS 1.3，双方固定对方证书；任何数据消息之前先核对任务摘要",
    ),
    "report.protocol_maturity": (
        "Maturity: {maturity}; not audited by a third party",
        "成熟度：{maturity}；尚未经第三方审计",
    ),
    "report.digest": ("Digest of the job", "任务摘要"),
    "report.model": ("Model", "模型编号"),
    "report.options": ("Training", "训练参数"),
}
