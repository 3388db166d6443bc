"""The table: lines of what was measured, as Markdown and as JSON."""
import json

from rows import DEFAULT, TUNED

FIELDS = ("name", "peer", "ours", "theirs", "unit", "ratio", "target", "goal", "ok")


def rounded(value):
    """Four significant digits."""
    return float(f"{value:.4g}")


def unit_of(kind, value):
    """(unit, factor) that make `value`, nanoseconds or MB, a number one can read."""
    if kind in ("memory", "peak"):
        return "MB", 1
    for limit, unit, factor in ((1e4, "ns", 1), (1e7, "us", 1e3)):
        if value < limit:
            return unit, factor
    return "ms", 1e6


def make_line(row, peer, ours, theirs, target, goal):
    """One line, complete: ratio = ours / theirs, ok = ratio <= target, of the numbers as printed."""
    unit, factor = unit_of(row.kind, theirs)
    line = {"name": row.name(), "peer": peer, "ours": rounded(ours / factor),
            "theirs": rounded(theirs / factor), "unit": unit}
    line["ratio"] = rounded(line["ours"] / line["theirs"])
    line.update(target=rounded(target), goal=rounded(goal))
    line["ok"] = line["ratio"] <= line["target"]
    return line


def json_text(machine, lines):
    rows = [{field: line[field] for field in FIELDS} for line in lines]
    return json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n"


def markdown_line(line, noisy):
    verdict = "yes" if line["ok"] else "**no**"
    mark = "~" if line["name"] in noisy else ""
    return (f"| {line['name']} | {line['peer']} | {line['ours']:g} {line['unit']} | "
            f"{line['theirs']:g} {line['unit']} | {mark}{line['ratio']:.3g} | {line['target']:.3g} | "
            f"{line['goal']:.3g} | {verdict} |")


def better_lines(lines, peers):
    """Of each row its line beside the one of `peers` that does best."""
    best = {}
    for line in lines:
        so_far = best.get(line["name"])
        if line["peer"] in peers and (so_far is None or line["ratio"] > so_far["ratio"]):
            best[line["name"]] = line
    return list(best.values())


def summary(lines):
    """How many targets are met beside each peer, and beside the better of libtorch's set-ups."""
    groups = {peer: [line for line in lines if line["peer"] == peer]
              for peer in dict.fromkeys(line["peer"] for line in lines)}
    if DEFAULT in groups and TUNED in groups:
        groups["the better of these two libtorch"] = better_lines(lines, (DEFAULT, TUNED))
    out = ["| beside | lines | target met | faster than it | goal met |", "|---|--:|--:|--:|--:|"]
    for peer, of_peer in groups.items():
        out.append(f"| {peer} | {len(of_peer)} | {sum(line['ok'] for line in of_peer)} | "
                   f"{sum(line['ratio'] < 1 for line in of_peer)} | "
                   f"{sum(line['ratio'] <= line['goal'] for line in of_peer)} |")
    return out


def markdown_text(report):
    """`report`: machine, sections {title: (lines, probe text)}, losses, absent, notes, noisy."""
    machine = report["machine"]
    out = [f"{machine['cpu']}, {machine['cores']} cores, load {machine['load']}, "
           f"{machine['system']}, {machine['date']}. Ratio = our time (or memory) / theirs: lower is "
           "better. `~`: measured while the machine's speed changed.", ""]
    out += [f"- {peer}: {text}" for peer, text in machine["peers"].items()]
    out += ["", *summary([line for lines, _ in report["sections"].values() for line in lines])]
    for title, (lines, probe) in report["sections"].items():
        out += ["", f"**{title}** ({probe})", "",
                "| what | beside | ours | theirs | ratio | target | goal | ok |",
                "|---|---|--:|--:|--:|--:|--:|---|"]
        out += [markdown_line(line, report["noisy"]) for line in lines]
    if report["losses"]:
        out += ["", "**Equal work**: loss of the first and of the fifth step", "",
                "| training | side | first | fifth |", "|---|---|--:|--:|"]
        out += [f"| {name} | {side} | {first:.6f} | {fifth:.6f} |"
                for name, side, first, fifth in report["losses"]]
    for heading, texts in (("Dropped", report["dropped"]), ("Not compared", report["absent"])):
        if texts:
            out += ["", f"**{heading}**", "", *(f"- {text}" for text in texts)]
    return "\n".join(out) + "\n"
