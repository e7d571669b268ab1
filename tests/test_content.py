"""The texts of the pages fit their pages: values, headings, terms; and a file that is edited is seen."""

import ast
import logging
import os
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import page_visits
import pytest

from vizcore.content import glossary, loader, questions
from vizcore.content.loader import TERM, VALUE, Item, Text
from vizcore.ui import prose
from vizcore.ui.shell import LOOK_FOR

ROOT = Path(__file__).parents[1]
STEMS = sorted(path.stem for path in loader.PAGES.glob("*.md"))
FIXED = {*loader.LISTS, "Exercises", LOOK_FOR}  # what stands on every page


class Call(NamedTuple):
    """A call of a page's words: "part", "say", "text" or "end", with the names it passes."""

    kind: str
    heading: str | None  # None for "end"
    passed: frozenset[str]
    where: str


def headings(node: ast.expr) -> list[str] | None:
    """The heading, or the two of `one if condition else other`; None where it is not written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        one, two = headings(node.body), headings(node.orelse)
        return one + two if one and two else None
    return None


def calls(source: str, name: str) -> Iterator[Call | str]:
    """The calls of `words.…`, and a sentence for each that cannot be compared with a text."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="words"), attr=kind)) if kind in vars(prose.Words):
                where, args = f"{name}:{node.lineno}", node.args
                found = headings(args[0]) if len(args) == 1 else None
                if any(keyword.arg is None for keyword in node.keywords):
                    yield f"{where}: pass each value by its name, not with **"
                elif kind == "end" and not args:
                    names = frozenset(keyword.arg for keyword in node.keywords) - {"functions", "snippet"}
                    yield Call(kind, None, names, where)
                elif kind == "end" or found is None:
                    yield f"{where}: write the heading out, so that it can be compared with the text"
                else:
                    names = frozenset(keyword.arg for keyword in node.keywords)
                    yield from (Call(kind, heading, names, where) for heading in found)


def marks(pattern: re.Pattern[str], items: Iterable[Item]) -> dict[str, str]:
    """Mark to the place of its first use."""
    found: dict[str, str] = {}
    for item in items:
        for match in pattern.finditer(item.text):
            found.setdefault(match[1], item.where)
    return found


def fixed(text: Text) -> list[Item]:
    return [item for items in (*text.lists.values(), *text.exercises) for item in items]


def mismatches(text: Text, sources: dict[str, str]) -> list[str]:
    """Where a text and the files that use it do not fit, each with file and line."""
    found, used = list(text.problems), defaultdict(list)
    for name, source in sources.items():
        for call in calls(source, name):
            if isinstance(call, str):
                found.append(call)
            else:
                used[call.heading].append(call)
    for heading, uses in used.items():
        if heading is None:
            wanted = marks(VALUE, fixed(text))
        elif heading in text.parts:
            wanted = marks(VALUE, [text.parts[heading], Item(heading, text.headings[heading])])
        else:
            found += [f"{call.where}: the text has no '## {heading}'" for call in uses]
            continue
        for call in uses:
            absent, idle = wanted.keys() - call.passed, call.passed - wanted.keys()
            found += [f"{wanted[name]}: {{{{{name}}}}} is not passed by {call.where}" for name in sorted(absent)]
            found += [f"{call.where}: {name}= stands nowhere in the text" for name in sorted(idle)]
            if heading and (call.kind == "part") != (not heading[0].islower()):
                found.append(f"{call.where}: '{heading}': a heading that is shown begins with a capital, no other does")
    for heading, where in text.headings.items():
        if heading != LOOK_FOR and (None if heading in FIXED else heading) not in used:
            found.append(f"{where}: the page does not use '## {heading}'")
    if None in used:
        missing = [heading for heading in ("What to notice", "Where it misleads") if heading not in text.headings]
        found += [f"{used[None][0].where}: the text has no '## {heading}'" for heading in missing]
    return found + unknown_terms([*text.parts.values(), *fixed(text), *spoken(sources)])


def spoken(sources: dict[str, str]) -> Iterator[Item]:
    """The strings of the files: a page may compute a sentence that holds terms."""
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield Item(node.value, f"{name}:{node.lineno}")


def unknown_terms(items: Iterable[Item]) -> list[str]:
    found = marks(TERM, items)
    return [f"{found[term]}: '{term}' is not in the glossary" for term in found if term not in glossary.words()]


def sources(stem: str) -> dict[str, str]:
    files = (Path("pages") / f"{stem}.py", Path("vizcore/ui/sections") / f"{stem}.py")
    return {str(file): (ROOT / file).read_text(encoding="utf-8") for file in files if (ROOT / file).exists()}


@pytest.mark.parametrize("stem", STEMS)
def test_text_and_page_fit(stem):
    found = sources(stem)
    assert f"pages/{stem}.py" in {name.replace(os.sep, "/") for name in found}, f"{stem}.md has no page"
    assert mismatches(loader.page(stem), found) == []


def test_pages_that_use_words_have_a_text():
    using = {path.stem for path in (ROOT / "pages").glob("*.py") if "ui.words(" in path.read_text(encoding="utf-8")}
    assert using == set(STEMS)


@pytest.mark.parametrize("number", range(1, questions.COUNT + 1))
def test_questions_are_whole(number):
    text = loader.read(questions.FOLDER / f"{number}.md")
    items = [*text.parts.values(), *fixed(text)]
    assert list(text.problems) + unknown_terms(items) == [] and marks(VALUE, items) == {}
    topic = questions.question(number)
    assert topic.short and topic.question and topic.answer and all(topic.check) and topic.formula and topic.pages


def test_glossary_is_one_sentence_or_two_for_each_word():
    words = tomllib.loads(glossary.PATH.read_text(encoding="utf-8"))
    assert all(text.endswith(".") and len(text) <= 120 for text in words.values())


# What the comparison finds, and says where.

TEXT = """## Shown {{n}}

One [[unit]] of {{n}}.

## caption: map

Up to {{top}}.

## What to notice

- It has {{cells}} [[cell|cells]].
- {{seen}}

## Where it misleads

- Never.

## Formula

\\frac{a}{{b}} \\alpha_{k}
"""
PAGE = """words.part("Shown {{n}}", n=1)
words.text("caption: map", top=2)
words.end(functions=[], snippet="", cells=3, seen=[])
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", []),
        ("n=1", "n=1, m=2", ["page.py:1: m= stands nowhere in the text"]),
        ("top=2", "", ["t.md:7: {{top}} is not passed by page.py:2"]),
        ("cells=3, ", "", ["t.md:11: {{cells}} is not passed by page.py:3"]),
        ("caption: map", "caption", ["page.py:2: the text has no '## caption'", "t.md:5: the page does not use"]),
        ('"caption: map"', "name", ["page.py:2: write the heading out", "t.md:5: the page does not use"]),
        ("top=2", "**found", ["page.py:2: pass each value by its name", "t.md:5: the page does not use"]),
        ("words.text", "words.part", ["page.py:2: 'caption: map': a heading that is shown"]),
        ("top=2)", 'top=2 if "[[unti]]" else 3)', ["page.py:2: 'unti' is not in the glossary"]),
        ("words.end", "other.end", [f"t.md:{line}: the page does not use" for line in (9, 14, 18)]),
    ],
)
def test_a_page_that_does_not_fit_is_found(old, new, said):
    text = loader.parse(TEXT.replace("{a}{{b}}", "{a}{b}"), "t.md")
    found = mismatches(text, {"page.py": PAGE.replace(old, new) if old else PAGE})
    assert len(found) == len(said) and all(one.startswith(two) for one, two in zip(found, said, strict=True)), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[unit]]", "[[unti]]", "t.md:3: 'unti' is not in the glossary"),
        ("{{top}}", "{{tip}}", "t.md:7: {{tip}} is not passed by page.py:2"),
        ("- It", "It", "t.md:11: an item begins with '- '"),
        ("## caption: map", "## Shown {{n}}", "t.md:5: a second '## Shown {{n}}'"),
        ("## Shown {{n}}", "# Shown", "t.md:3: text before the first '## heading'"),
        ("## What to notice", "## what to notice", "page.py:3: the text has no '## What to notice'"),
        ("## Formula", "## Exercises\n\n### Why?\n", "t.md:20: a question without an answer"),
    ],
)
def test_a_text_that_does_not_fit_is_found(old, new, said):
    changed = TEXT.replace("\\frac{a}{{b}} \\alpha_{k}\n", "" if "Exercises" in new else "a\n").replace(old, new)
    assert said in mismatches(loader.parse(changed, "t.md"), {"page.py": PAGE})


# How a file is read.


def test_paragraphs_lists_formulas_and_exercises():
    text = loader.parse(
        "# Title\n\n## Part\n\nOne\ntwo.\n\n- a\n- b\n\n## Steps\n\n1. first\n   goes on\n2. second\n\n"
        "## Formula\n\na = b\n  + c\nd\n\n## Exercises\n\n### Why?\n\nSo\nit is.\n\nYes.\n\n### How?\n\nThus.\n"
    )
    assert text.title == "Title" and text.parts["Part"].text == "One two.\n\n- a\n- b" and not text.problems
    assert [item.text for item in text.lists["Steps"]] == ["first goes on", "second"]
    assert [item.text for item in text.lists["Formula"]] == ["a = b + c", "d"]
    assert [(one.text, two.text) for one, two in text.exercises] == [("Why?", "So it is.\n\nYes."), ("How?", "Thus.")]
    assert text.exercises[1][0].where == "text:32" and text.lists["Sources"] == ()


def test_values_and_terms_leave_latex_alone():
    item = Item(r"$\frac{a}{b}_{k}$ of {{n}} [[cell|cells]] and {{said}}", "t.md:1")
    filled = loader.fill(item, {"n": 3, "said": "a [[unit]]"})
    assert filled == rf"$\frac{{a}}{{b}}_{{k}}$ of 3 {glossary.term('cell', 'cells')} and a {glossary.term('unit')}"


def test_items_that_a_page_computes():
    items = [Item("{{said}}", "t.md:1"), Item("{{seen}}", "t.md:2"), Item("Always.", "t.md:3")]
    assert loader.fill_all(items, {"said": "", "seen": ["One.", "A [[unit]].", ""]}) == [
        "One.",
        f"A {glossary.term('unit')}.",
        "Always.",
    ]
    assert loader.fill_all(items, {"said": "Said.", "seen": []}) == ["Said.", "Always."]


def test_an_edited_file_is_seen_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "PAGES", tmp_path)
    file = tmp_path / "page.md"
    file.write_text("## name\n\nBefore.\n", encoding="utf-8")
    assert prose.words("pages/page.py").text("name") == "Before."
    file.write_text("\ufeff## name\n\nAfter.\n", encoding="utf-8")
    os.utime(file, ns=(1, 1))  # an editor may finish within one tick of the clock
    assert prose.words("pages/page.py").text("name") == "After."
    file.write_bytes(b"## name\n\nCaf\xe9.\n")
    assert prose.words("pages/page.py").text("name") == "Caf\ufffd."
    assert loader.page("page").problems


def test_nothing_unknown_stops_a_page(tmp_path, monkeypatch, caplog):
    loader.report.cache_clear()
    monkeypatch.setattr(loader, "PAGES", tmp_path)
    words = prose.words("pages/page.py")
    with caplog.at_level(logging.WARNING):
        assert words.text("name") == ""  # no file
        (tmp_path / "page.md").write_text("## name\n\nA [[thing]], [[thing|things]], {{none}}.\n", encoding="utf-8")
        assert words.text("name", other=1) == "A thing, things, …."
        assert words.text("gone") == ""
    unknown = "page.md:3: the page passes no value {{none}}", "page.md:3: 'thing' is not in the glossary"
    for said in ("page.md: No such file", *unknown, "no '## gone'"):
        assert said in caplog.text


def test_a_page_whose_text_is_gone_still_shows_its_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(loader, "PAGES", tmp_path)
    app = page_visits.open_page("grad_cam", model="mini_vgg", image="jaguar")
    assert "Step 2. All weights" in [header.value for header in app.header] and len(page_visits.captions(app)) >= 5


def test_a_broken_glossary_leaves_what_was_read_before(tmp_path, monkeypatch):
    before = glossary.term("unit")
    monkeypatch.setattr(glossary, "PATH", tmp_path / "glossary.toml")
    glossary.PATH.write_text("unit = ", encoding="utf-8")
    assert glossary.term("unit") == before
    glossary.PATH.write_text('unit = "A channel."\n', encoding="utf-8")
    os.utime(glossary.PATH, ns=(1, 1))
    assert glossary.term("unit") == '<abbr title="A channel." tabindex="0">unit</abbr>'
