"""Insert rules into the text of schema/boilerplate.yaml, without a change of what is there: comments, order, layout."""

from collections.abc import Sequence

import yaml

from builder.io.yaml import parse_yaml
from builder.records import user_error
from builder.schema.boilerplate import Boilerplate, LineRule, SourceRules

FILE = "schema/boilerplate.yaml"

STEP = 2
"""Columns of an indentation."""


def insert_rules(text: str, source: str, rules: Sequence[LineRule], comment: str = "") -> str:
    """Return the text of a boilerplate file with line rules added to those of a source, behind the ones that it has.

    Raises KhabarError (exit code 2) if the text is no boilerplate file, or if it is laid out in a way that rules cannot
    be inserted into: `sources` or the source in one line, with braces. What is returned parses to what the text says
    and the rules.
    """
    before = parse_yaml(text, Boilerplate, FILE)
    made = _inserted(text, source, rules, comment)
    after = parse_yaml(made, Boilerplate, FILE)
    if after.model_dump() != _with_rules(before, source, rules).model_dump():
        raise _refused(source, rules)
    return made


def rules_yaml(rules: Sequence[LineRule], indent: int, comment: str = "") -> str:
    """Return rules as items of a YAML list, each with a blank line above all but the first."""
    space = " " * indent
    items = [_item(rule, space) for rule in rules]
    head = f"{space}# {comment}\n" if comment else ""
    return head + "\n".join(items)


def _item(rule: LineRule, space: str) -> str:
    fields: list[tuple[str, str]] = [("match", _scalar(rule.match)), ("max_length", str(rule.max_length))]
    fields += [("position", rule.position)] * (rule.position != "any") + [("takes", rule.takes)] * (
        rule.takes != "line"
    )
    lines = [f"- id: {rule.id}", *(f"  {name}: {value}" for name, value in fields), "  examples:"]
    for name, values in (("matches", rule.examples.matches), ("leaves", rule.examples.leaves)):
        lines += [f"    {name}:", *(f"      - {_scalar(value)}" for value in values)]
    return "".join(f"{space}{line}\n" for line in lines)


def _scalar(value: str) -> str:
    style = "'" if value.isprintable() else '"'
    return str(yaml.safe_dump(value, default_style=style, allow_unicode=True, width=1_000_000)).rstrip("\n")


def _inserted(text: str, source: str, rules: Sequence[LineRule], comment: str) -> str:
    """Insert rules at the deepest of `sources`, the source and its `lines` that the text has."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)  # noqa: S101 - parse_yaml has seen to it
    owners = _value(root, "sources")
    if owners is None:
        return _below(text, root, f"\nsources:\n{_source(source, rules, STEP, comment)}")
    if _is_empty(owners):
        return _instead(text, owners, _source(source, rules, STEP, comment))
    own = _value(owners, source)
    if own is None:
        return _below(text, owners, "\n" + _source(source, rules, _column(owners, source, rules), comment))
    return _into_source(text, source, own, rules, comment)


def _into_source(text: str, source: str, own: yaml.Node, rules: Sequence[LineRule], comment: str) -> str:
    if _is_empty(own):
        return _instead(text, own, _lines(rules, 2 * STEP, comment))
    column = _column(own, source, rules)
    lines = _value(own, "lines")
    if lines is None:
        return _below(text, own, _lines(rules, column, comment))
    if _is_empty(lines):
        return _instead(text, lines, rules_yaml(rules, column + STEP, comment))
    if not isinstance(lines, yaml.SequenceNode) or lines.flow_style:
        raise _refused(source, rules)
    return _below(text, lines, "\n" + rules_yaml(rules, lines.start_mark.column, comment))


def _source(source: str, rules: Sequence[LineRule], column: int, comment: str) -> str:
    return f"{' ' * column}{_key(source)}:\n{_lines(rules, column + STEP, comment)}"


def _key(source: str) -> str:
    plain = source.replace("-", "").replace("_", "")
    return source if plain.isascii() and plain.isalpha() and source[0].isalpha() else _scalar(source)


def _lines(rules: Sequence[LineRule], column: int, comment: str) -> str:
    return f"{' ' * column}lines:\n{rules_yaml(rules, column + STEP, comment)}"


def _value(node: yaml.Node, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def _is_empty(node: yaml.Node) -> bool:
    return not node.value


def _column(node: yaml.Node, source: str, rules: Sequence[LineRule]) -> int:
    """Return the column of the keys of a mapping that has a line for each."""
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        raise _refused(source, rules)
    return node.start_mark.column


def _instead(text: str, node: yaml.Node, block: str) -> str:
    """Put a block on the lines below a key, in place of the nothing that is its value."""
    start, end = node.start_mark.index, node.end_mark.index
    line_end = text.find("\n", end)
    rest = text[end : line_end if line_end >= 0 else len(text)]
    head = text[:start].rstrip(" ") if end > start else text[:start]
    return f"{head}{rest}\n{block}{text[line_end + 1 :] if line_end >= 0 else ''}"


def _below(text: str, node: yaml.Node, block: str) -> str:
    """Put a block on the lines below the last value of a node."""
    end = _end(node)
    if end == 0 or text[end - 1] != "\n":
        line_end = text.find("\n", end)
        if line_end < 0:
            return f"{text}\n{block}"
        end = line_end + 1
    return text[:end] + block + text[end:]


def _end(node: yaml.Node) -> int:
    """Return the offset behind the last value inside a node."""
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _with_rules(before: Boilerplate, source: str, rules: Sequence[LineRule]) -> Boilerplate:
    own = before.sources.get(source, SourceRules())
    wider = own.model_copy(update={"lines": (*own.lines, *rules)})
    return before.model_copy(update={"sources": {**before.sources, source: wider}})


def _refused(source: str, rules: Sequence[LineRule]) -> Exception:
    return user_error(
        "layout", f"{FILE} is laid out so that no rule can be inserted for the source {source!r}", where=FILE,
        fix="write `sources` and the source with one key on a line, or paste the rules yourself:\n"
        + rules_yaml(rules, 2 * STEP + STEP),
    )  # fmt: skip
