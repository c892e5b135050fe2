"""What the documents say is so: code runs, commands exist, links lead somewhere, tables match the code."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from tacit.apps.cli.jobfile import read_job
from tacit.base.errors import TacitError
from tacit.base.protocol import REGISTRY
from tacit.base.setting import Setting, Spec
from tacit.trust import identity
from tests.architecture.sources import ROOT, files, modules, name_of

PAGES = [path for path in files(".md") if not path.is_relative_to(ROOT / "docs" / "errors")]
IDS = [name_of(path) for path in PAGES]
BLOCK = re.compile(r"^```([\w-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
EXPECTED = (
    "README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/papers/README.md",
)  # fmt: skip


def blocks(path: Path, *languages: str) -> list[str]:
    return [
        body for language, body in BLOCK.findall(path.read_text(encoding="utf-8")) if language in languages
    ]


def test_the_documents_are_there() -> None:
    assert [name for name in EXPECTED if not (ROOT / name).exists()] == []
    for folder in ("concepts", "guides", "decisions", "papers", "errors"):
        assert list((ROOT / "docs" / folder).glob("*.md")), f"docs/{folder} is empty"


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_python_blocks_run(path: Path) -> None:
    for body in blocks(path, "python"):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(body, name_of(path), "exec"), {"__name__": "example"})


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_commands_exist(path: Path) -> None:
    for body in blocks(path, "console", "sh"):
        for line in body.splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                check_command(words, name_of(path))


def check_command(words: list[str], where: str) -> None:
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in targets, f"{where}: no target {words[1]}"
    elif words[0].endswith("tacit"):
        from tacit.apps.cli.main import app

        group = get_command(app)
        command = group.commands.get(words[1], group)  # type: ignore[attr-defined]
        assert isinstance(command, typer.core.TyperCommand) or words[1].startswith("-"), (
            f"{where}: tacit {words[1]}"
        )
        known = {option for parameter in command.params for option in parameter.opts}
        given = {word.split("=")[0] for word in words[1:] if word.startswith("--")}
        assert given <= known | {"--help"}, f"{where}: {sorted(given - known)}"
    elif words[:3] == ["python", "-m", "bench"]:
        assert (ROOT / "bench" / "__main__.py").exists()
    else:
        assert words[0] in ("cd", "git", "pip", ".ci/run"), f"{where}: what is {words[0]!r}?"


@pytest.mark.parametrize("path", PAGES + list(files(".md", under=ROOT / "docs" / "errors")), ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    prose = BLOCK.sub("", path.read_text(encoding="utf-8"))
    for target in LINK.findall(prose):
        if not target.startswith(("http://", "https://", "mailto:", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), f"{name_of(path)} -> {target}"


def test_job_files_in_the_guides_are_read(tmp_path: Path) -> None:
    """Every yaml block that is a whole job file parses, with certificates made on the spot."""
    found = 0
    for path in PAGES:
        for number, body in enumerate(blocks(path, "yaml")):
            if not body.startswith("job:"):
                continue
            folder = tmp_path / f"{path.stem}-{number}"
            folder.mkdir()
            for name in re.findall(r"certificate: (\S+)", body):
                made = identity.create(folder / f"home-{name}", Path(name).stem)
                (folder / name).write_bytes(Path(made.certificate_path).read_bytes())
            job = folder / "job.yaml"
            job.write_text(body, encoding="utf-8")
            try:
                read_job(job)
            except TacitError as error:
                pytest.fail(f"{name_of(path)}: {error}")
            found += 1
    assert found


# --- tables -------------------------------------------------------------------------------------------


def specs() -> list[Spec]:
    for name, _ in modules():
        if not name.startswith(("tacit.apps", "tacit.trust")):
            importlib.import_module(name)
    return [spec for name, spec in sorted(REGISTRY.items()) if not name.startswith("tests")]


def protocol_table() -> str:
    """The tables of SECURITY.md, from the declarations in the code: one for each setting."""
    by_setting: dict[Setting, dict[str, list[Spec]]] = {}
    for spec in specs():
        by_setting.setdefault(spec.setting, {}).setdefault(spec.name.rpartition(".")[0], []).append(spec)
    parts = []
    for setting, homes in by_setting.items():
        parts.append(
            f"**{setting.adversary}, {setting.threat}, "
            f"{setting.security} ({setting.kappa} bits; statistical {setting.sigma})**; "
            f"assumes {', '.join(setting.assumes) or 'nothing'}; {setting.maturity}.\n\n"
            "| protocols | sources | declared leaks |\n| --- | --- | --- |"
        )
        for home, members in homes.items():
            names = ", ".join(f"`{spec.name.rpartition('.')[2]}`" for spec in members)
            sources = "; ".join(dict.fromkeys(spec.source for spec in members))
            leaks = (
                "; ".join(
                    f"{leak}" for leak in dict.fromkeys(leak for spec in members for leak in spec.leaks)
                )
                or "none"
            )
            parts[-1] += f"\n| {home}: {names} | {sources} | {leaks} |"
    return "\n\n".join(parts)


def test_the_table_of_protocols_is_the_registry() -> None:
    """On failure: replace the table in SECURITY.md by what is printed here."""
    table = protocol_table()
    assert table in (ROOT / "SECURITY.md").read_text(encoding="utf-8"), f"the table should be:\n\n{table}\n"


def test_every_protocol_file_is_in_the_map_of_papers() -> None:
    text = (ROOT / "docs" / "papers" / "README.md").read_text(encoding="utf-8")
    for spec in specs():
        home = spec.name.rpartition(".")[0].replace(".", "/") + ".py"
        assert f"tacit/{home}" in text, f"docs/papers/README.md does not name src/tacit/{home}"


def test_the_layers_in_the_architecture_document_are_those_of_the_test() -> None:
    from tests.architecture.test_layers import LAYERS

    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = "\n".join(" | ".join(layer) for layer in LAYERS)
    assert drawn in text, f"ARCHITECTURE.md should draw:\n\n{drawn}\n"


if __name__ == "__main__":  # python -m tests.architecture.test_documents prints the table for SECURITY.md
    print(protocol_table())
