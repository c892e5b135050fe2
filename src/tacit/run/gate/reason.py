"""Why a verdict is what it is: a closed list of reasons, each in plain words, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

WORDS: Mapping[str, tuple[str, str]] = {
    "nothing": ("nothing of it is revealed", "没有披露它的任何内容"),
    "sums": (
        "sums over groups of at least {least} cells that no output tells apart",
        "只披露至少 {least} 个单元格的合计，任何输出都不能区分其中的单元格",
    ),
    "cell": ("the cell at place {place} follows exactly", "第 {place} 个单元格可以被准确推出"),
    "function": (
        "a function of the cell at place {place} alone follows",
        "可以推出一个只取决于第 {place} 个单元格的函数值",
    ),
    "fixed": (
        "the cell at place {place} has finitely many values at most that fit what is revealed",
        "与披露内容相符的第 {place} 个单元格的值至多有限个",
    ),
    "fixed-for-some": (
        "at least for some data a cell follows, such as the one at place {place}",
        "至少对某些数据，可以推出某个单元格，例如第 {place} 个",
    ),
    "few": (
        "a combination of {count} cells, fewer than {least}, follows",
        "可以推出 {count} 个单元格的组合，少于 {least} 个",
    ),
    "nearly": (
        "the cell at place {place}, or few beside it, follow but for less than 2^-18 of the others",
        "第 {place} 个单元格（或连同少数几个）可以被推出，误差不到其余部分的 2^-18",
    ),
    "extreme": (
        "{op!r} of its cells tells one of them, or which",
        "对其单元格求 {op!r} 会给出其中一个的值，或指出是哪一个",
    ),
    "single-out": ("{op!r} may single out a cell", "{op!r} 可能单独暴露某个单元格"),
    "limits": (
        "its cells are compared more than once: the difference of two counts may be a single cell's",
        "对其单元格做了不止一次比较：两个计数之差可能只属于一个单元格",
    ),
    "dominated": (
        "a sum of {op!r} over single cells can be ruled by one of them",
        "对单个单元格先求 {op!r} 再合计，结果可能由其中一个主导",
    ),
    "weights": (
        "{count} cells have weights of their own in what is revealed",
        "有 {count} 个单元格在披露的内容中各有不同的权重",
    ),
    "small-group": (
        "{sums} revealed sums over a group of {count} cells",
        "对一组 {count} 个单元格披露了 {sums} 个合计",
    ),
    "on-shares": (
        "it depends on an input that comes in on shares, of which it is not known how it came about",
        "它取决于一个以分享形式输入的值，而该值的来历未知",
    ),
    "versions": (
        "other data under the same name were in a job before: what changed may follow from the difference",
        "此前的任务曾以同一名称使用过不同的数据：两次结果之差可能暴露改动的部分",
    ),
    "too-large": ("too large to be judged: {what}", "规模过大，无法判定：{what}"),
    "first-query": (
        "what one query of these sets tells; no other sets were queried before",
        "只有对这些集合的一次查询所告知的内容；此前没有查询过其他集合",
    ),
    "altered-intersection": (
        "the query of job {job!r} had other sets: the difference of both results tells of the ids "
        "that were added or removed whether the other party has them",
        "任务 {job!r} 的查询使用了不同的集合：两次结果之差会暴露被增删的编号是否在对方手中",
    ),
    "altered-lookup": (
        "job {job!r} asked other keys, or another version of the table: each key that was added is told, "
        "and each id that was added to the table or removed",
        "任务 {job!r} 查询的键或表的版本不同：每个新增的键、表中每个被增删的编号都会被暴露",
    ),
    "altered-count": (
        "the sets of job {job!r} were others: the difference of both counts is the number of common ids "
        "among those that were added or removed; of one such id it tells whether the other party has it",
        "任务 {job!r} 使用了不同的集合：两次计数之差是被增删的编号中共有的个数；"
        "若只有一个，则暴露它是否在对方手中",
    ),
    "altered-sum": (
        "job {job!r} summed this column over other sets: the difference of both sums is that of the rows "
        "that were added or removed; of one such row it is the value",
        "任务 {job!r} 在不同的集合上对此列求过和：两次之差是被增删的行的合计；若只有一行，则就是它的值",
    ),
    "altered-enough": (
        "the sets of job {job!r} were others: if the ids that were added or removed change whether it is "
        "enough, they tell whether the other party has them",
        "任务 {job!r} 使用了不同的集合：如果被增删的编号改变了是否达到门槛，就会暴露它们是否在对方手中",
    ),
    "altered-rows-if-enough": (
        "the sets of job {job!r} were others: the difference of both results tells of the ids that were "
        "added or removed whether the other party has them",
        "任务 {job!r} 使用了不同的集合：两次结果之差会暴露被增删的编号是否在对方手中",
    ),
    "altered-function": (
        "the sets of job {job!r} were others: the difference of both results comes from the ids that were "
        "added or removed, and may tell whether the other party has them",
        "任务 {job!r} 使用了不同的集合：两次结果之差来自被增删的编号，可能暴露它们是否在对方手中",
    ),
    "unknown-count": (
        "it is summed over the common rows, and nothing says that they are {least} or more: of one row the "
        "sum is the value",
        "它在共有的行上求和，而没有门槛保证至少有 {least} 行；若只有一行，合计就是它的值",
    ),
    "computed-before": (
        "sums or functions of this party's columns were told before, on rows that cannot be matched with "
        "these",
        "此前已告知过该方各列的合计或函数值，其行无法与这里的行对应",
    ),
    "hidden-lines": (
        "a function of lines of which it is not known how many are common: of few it may tell single ones",
        "该函数作用于共有行数未知的各行；若共有的行很少，可能暴露单独的行",
    ),
}


@dataclass(frozen=True)
class Reason:
    """`key`: one of `WORDS`; `values`: what goes into its text."""

    key: str
    values: tuple[tuple[str, str | int], ...] = ()

    @staticmethod
    def of(key: str, **values: str | int) -> Reason:
        return Reason(key, tuple(sorted(values.items())))

    def text(self, language: str = "en") -> str:
        return WORDS[self.key][language == "zh"].format(**dict(self.values))

    def __str__(self) -> str:
        return self.text()
