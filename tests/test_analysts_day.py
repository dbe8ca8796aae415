"""Ten ordinary tasks from the README's recipes: each runs unchanged and is at most three lines."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import polars as pl
import pytest
from matplotlib.image import imread

import optkit
from optkit.report.writing import SINGLE_FILE

README = (Path(optkit.__file__).parents[1] / "README.md").read_text("utf-8")
#: Each begins with a title in bold.
RECIPES = re.split(
    r"^(?=\*\*)", README.partition("\n## Recipes\n")[2].partition("\n## ")[0], flags=re.MULTILINE
)[1:]


def recipe(title: str) -> str:
    (found,) = [text for text in RECIPES if text.startswith(f"**{title}")]
    return found


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, with the made-up account as the default account."""
    monkeypatch.setenv("OPTKIT_ACCOUNT", "demo")
    monkeypatch.setenv("OPTKIT_CACHE_DIR", str(cache))
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    yield tmp_path
    plt.close("all")


def run(title: str) -> dict[str, Any]:
    """Run a recipe's lines and return its names."""
    names: dict[str, Any] = {}
    for code in re.findall(r"^```python\n(.*?)^```", recipe(title), re.MULTILINE | re.DOTALL):
        lines = [line for line in code.splitlines() if line and not line.startswith(("import ", "from "))]
        assert len(lines) <= 3
        exec(code, names)  # noqa: S102 - the README's own lines
    return names


def test_questions_about_messages_are_answered(folder: Path) -> None:
    section = README.partition("\n## Questions about messages\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the README's own lines
    for name in ("campaigns", "days", "cost", "growth", "late"):
        assert names[name].height > 0, name


def test_there_are_ten() -> None:
    assert len(RECIPES) == 10


def test_the_last_days_of_two_senders_as_a_picture(folder: Path) -> None:
    names = run("The last 30 days of two senders")
    weeks, history = names["weeks"], names["history"]
    assert set(history["from_phone"]) == {"18181", "NORTHWIND"}
    assert 5 <= weeks.height <= 6, "30 days touch five or six weeks"
    everything = optkit.churn(history, time_zone="America/New_York")
    assert weeks["opted_out_end"].to_list() == everything["opted_out_end"].tail(weeks.height).to_list()
    assert imread(folder / "slide.png").shape[1] > 1500
    figure = plt.figure(plt.get_fignums()[-1])
    assert figure.axes[0].get_title() == "Last month"


def test_the_list_in_excel_with_names_of_countries(folder: Path) -> None:
    run("Who must not be messaged, as of Monday 09:00 in Berlin")
    sheet = pl.read_excel(folder / "suppressed.xlsx", infer_schema_length=0)
    expected = optkit.suppression_list(optkit.load(), at="2026-06-29T07:00Z")
    assert sheet["to_phone"].to_list() == expected["to_phone"].to_list()
    assert {"United States", "France"} <= set(sheet["country_name"])


def test_did_the_new_wording_help(folder: Path) -> None:
    table = run("Did the new wording of 1 May help")["table"]
    assert table["days_before"].unique().to_list() == [28]
    assert set(table["from_phone"]) == set(optkit.load()["from_phone"])


def test_a_contact_file_is_scrubbed(folder: Path) -> None:
    listed = optkit.suppression_list(optkit.load())["to_phone"].unique().sort()
    american = listed.filter(listed.str.starts_with("+1"))[:3].to_list()
    national = [f"({number[2:5]}) {number[5:8]}-{number[8:]}" for number in american]
    fresh = ["(212) 555-9998", "(212) 555-9999"]
    people = pl.DataFrame({"Name": ["Zoë", "Jörg", "Ann", "Bob", "Cy"], "Mobile": [*national, *fresh]})
    Path("contacts.csv").write_bytes(people.write_csv(separator=";").encode("cp1252"))
    run("A contact file without the people who must not be messaged")
    keep, others = (pl.read_excel(folder / f"{name}.xlsx") for name in ("to_message", "not_to_message"))
    assert keep["Mobile"].to_list() == fresh
    assert others["e164"].to_list() == american
    assert others["Name"].to_list() == ["Zoë", "Jörg", "Ann"]


def test_the_hours_of_the_recipients(folder: Path) -> None:
    opt_outs = run("At which hour of their local time")["opt_outs"]
    (heat, _) = plt.figure(plt.get_fignums()[-1]).axes
    local = optkit.with_local_time(opt_outs)["local_time"]
    assert heat.images[0].get_array().sum() == len(local) - local.null_count()  # type: ignore[union-attr]


@pytest.mark.parametrize("title", ["Last month's report", "A notebook with other dates", "A contact file"])
def test_commands_have_the_options_of_the_recipes(title: str) -> None:
    import typer.main

    from optkit.cli import app

    commands: Any = typer.main.get_command(app)
    ((name, words),) = re.findall(r"\boptkit (report|scrub)\b(.*)$", recipe(title), re.MULTILINE)
    context = commands.commands[name].make_context(name, words.split())
    assert context.params


def test_the_report_by_cron_is_mailed_from_where_it_is_written() -> None:
    (script,) = re.findall(r"^```bash\n(.*?)^```", recipe("Last month's report"), re.MULTILINE | re.DOTALL)
    subprocess.run(["/bin/sh", "-n"], input=script, text=True, check=True)
    (out,) = re.findall(r"--account \w+ .*--single-file --out (\S+)$", script, re.MULTILINE)
    assert f"-A {out}/{SINGLE_FILE} " in script


def test_a_campaign_calendar_beside_the_opt_outs(folder: Path) -> None:
    calendar = pl.DataFrame({"date": ["2026-05-01", "2026-06-10"], "campaign": ["new wording", "summer"]})
    calendar.write_csv("campaigns.csv")
    names = run("My campaign calendar beside the opt-outs")
    written = [text.get_text() for text in plt.figure(plt.get_fignums()[-1]).axes[0].texts]
    assert {"new wording", "summer"} <= set(written)
    joined = names["campaigns"].join(names["days"], left_on="date", right_on="period", how="left")
    assert joined["expected"].null_count() == 0


def test_audience_sizes_from_excel(folder: Path) -> None:
    audience = optkit.demo_audience()
    optkit.export(audience, "audience.xlsx")
    table = run("Audience sizes from a colleague's Excel file")["table"]
    assert table.equals(optkit.opt_out_rates(optkit.load(), audience=audience))
    assert table["denominator"].unique().to_list() == ["audience"]


def test_a_warehouse_table_becomes_a_history(folder: Path) -> None:
    expected = optkit.load()
    warehouse = expected.select(
        phone="to_phone",
        shortcode="from_phone",
        ts=pl.col("created_at").dt.replace_time_zone(None),
        event=pl.when(pl.col("status") == "opt-out").then(pl.lit("STOP")).otherwise(pl.lit("START")),
    )
    warehouse.write_parquet("events.parquet")
    assert run("A warehouse table with other names and words")["history"].equals(expected)
