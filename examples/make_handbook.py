"""Make the handbook's binary files (PDF, DOCX, XLSX, PPTX); its other files are written by hand.

Run `python examples/make_handbook.py` after a change here, or with a folder to write somewhere else.
Needs nothing but Python. The same bytes come out everywhere, and a test holds the committed files to them.
"""

from __future__ import annotations

import sys
from pathlib import Path

# A script's own folder is on its path.
from office_files import Box, Row, docx, pptx, xlsx  # pyright: ignore[reportImplicitRelativeImport]
from pdf_file import pdf  # pyright: ignore[reportImplicitRelativeImport]

HERE = Path(__file__).parent
MARKS = {"# ": "title", "## ": "heading", "- ": "item"}

EXPENSES = """
# Expenses

Kept by Callum Whitlock, Finance. {note}

## The principle

Nobody should be out of pocket for doing their work, and nobody should earn by it. Spend the company's money
as you would a careful friend's.

## Limits

The limits are for one person and include tax and tips. Above them, ask your team lead before you spend; a
short message is enough.
"""

CLAIMS = """
## How to claim

Hand in a claim within {deadline} of the expense. Photograph the receipt with the expenses app the same day;
thermal paper fades. Without a receipt we pay up to £15, twice a month at most.

Claims approved by Thursday noon are paid out on the following Tuesday.

## What we do not pay

Parking and speeding fines, minibar, upgrades of seat or room, and presents for officials of any value.
Presents from suppliers above £40 go into the Christmas raffle.
"""

ONBOARDING = """
# Your first three months

For everyone who joins Ostermere Instruments. Keep it, and write in the margins what was wrong or missing;
Priya Natarajan collects these notes after your third month and mends the guide.

## Before you start

- Send us your signed contract, bank details and the size of your safety boots.

- You hear from your buddy a week before. A buddy is never your manager and never from your own team, so
that there is somebody for the questions one would rather not ask.

- Choose a laptop: the light one or the rugged one.

## The first day

Come to Gauge House at 09:30 on your first day, whichever site you will work at. Reception has your staff
card, two security keys and a locker key. Rhodri's team sets up your accounts with you before lunch, and
lunch is with your whole team, paid by us.

In the afternoon Adaeze shows you the workshop. You will assemble a rain gauge, badly, and take it home.
Everyone has one in the garden; the readings are on the screen in the canteen.

---

## The first month

- Week 1: safety training, half a day, and the security course, ninety minutes. Nobody goes to a site before
both are done.

- Week 2: two days with a field crew from Pellwick, in all weathers, whatever your job is.

- Week 3: a morning at the service desk, listening to customers.

- Week 4: a first talk with your manager about what you have seen. Bring three things that surprised you.

## Training

Each of us has a training budget of £1,200 and five days a year, from the first day on. Courses, books,
exams and conferences all count. What you do not use does not carry over. If a course costs more than £3,000
and you leave within a year, we ask for half of it back.

## Hydrology for everyone

On the second Tuesday of each month there is an hour of hydrology after lunch. You learn what a rating curve
is, why rivers lie, and what our customers do at four in the morning with our numbers.

---

## Probation

The probation period is five months. Your manager talks with you at the end of the first, third and fifth
month and writes down what was said. During probation the notice period is two weeks on both sides;
afterwards it is two months.

## After three months

- You can explain what a level gauge does to a ten-year-old.

- You have a goal for the year that you and your manager both believe in.

- You know whom to ask, and somebody has asked you.

## If it does not feel right

Say so early: to your buddy, your manager, Priya, or the works council. About one new colleague in ten
changes team in the first year, and most of them are still here.
"""


def blocks(text: str) -> list[tuple[str, str]]:
    """Read blocks parted by blank lines (`# title`, `## heading`, `- item`, or text) as (style, text)."""
    out: list[tuple[str, str]] = []
    for block in text.strip().split("\n\n"):
        mark = next((m for m in MARKS if block.startswith(m)), "")
        out.append((MARKS.get(mark, "text"), " ".join(block.removeprefix(mark).split())))
    return out


def expenses(dinner: int, deadline: str, note: str) -> bytes:
    """Make the expenses policy; the changed version differs in these three."""
    limits: list[Row] = [
        ["What", "Limit", "Remark"],
        ["Breakfast", "£9", "only if the hotel does not serve it"],
        ["Lunch on the road", "£13", "not at your usual place of work"],
        ["Evening meal", f"£{dinner}", "when you stay away overnight; drinks included"],
        ["Meal with a customer", "£55 a head", "write down who was there and why"],
        ["Home office equipment", "£280", "once in three years; it stays yours"],
        ["Work boots and waders", "£165", "once a year, Field Services and Workshop"],
        ["Eye test and screen glasses", "£95", "once in two years"],
    ]
    return docx([*blocks(EXPENSES.format(note=note)), limits, *blocks(CLAIMS.format(deadline=deadline))])


def salary_bands() -> bytes:
    """Make the salary bands."""
    bands: list[Row] = [
        ["Band", "Typical roles", "Minimum GBP", "Midpoint GBP", "Maximum GBP"],
        ["B1", "Apprentice, office assistant", 23400, 25200, 27000],
        ["B2", "Assembler, storekeeper, support agent", 27500, 30500, 33500],
        ["B3", "Field technician, calibration technician, bookkeeper", 33000, 37000, 41000],
        ["B4", "Engineer, account manager, crew leader", 40500, 46000, 51500],
        ["B5", "Senior engineer, hydrologist, workshop supervisor", 50500, 57250, 64000],
        ["B6", "Principal engineer, team lead", 62000, 70500, 79000],
        ["B7", "Managing director", 84000, 94000, 104000],
    ]
    allowances: list[Row] = [
        ["Allowance", "GBP a year", "Who gets it"],
        ["First aider", 240, "holders of a valid certificate, at most six a site"],
        ["Fire warden", 180, "three in each building"],
        ["Mast climber", 1450, "the four people on the climbers' list"],
        ["Second language", 600, "used with customers at least every week"],
    ]
    rules: list[Row] = [
        ["Rule", "In words"],
        ["Review", "Pay is reviewed every April; letters go out by 20 March."],
        ["Starting pay", "New people start between the minimum and the midpoint of their band."],
        ["Pension", "The company pays 8 percent of salary if you pay at least 4."],
        ["Openness", "Everybody may see the bands. Nobody's own salary is shown to anyone else."],
    ]
    return xlsx({"Bands 2026": bands, "Allowances": allowances, "Rules": rules})


def org_chart() -> bytes:
    """Make the organisation chart."""
    teams = [
        ("Engineering", "Joris Hemming", 22, "firmware, electronics, hydrology, the Tidewater service"),
        ("Workshop and Operations", "Adaeze Bright", 24, "assembly, calibration, stores, buildings"),
        ("Field Services", "Wen Castellane", 15, "five crews of three, based in Pellwick"),
        ("Sales and Support", "Silvie Marchetti", 11, "quotes, tenders, service desk"),
        ("Finance", "Callum Whitlock", 5, "accounts, payroll, purchasing"),
        ("People", "Priya Natarajan", 3, "hiring, leave, training"),
        ("IT and Security", "Rhodri Pugh", 5, "laptops, networks, incidents"),
    ]
    top = [
        Box(14, 8, 310, 18, ("Ostermere Instruments: who reports to whom",), title=True),
        Box(119, 32, 100, 24, ("Maren Oduya", "Managing Director")),
    ]
    for i, (team, lead, people, _) in enumerate(teams):
        lines = (team, f"Lead: {lead}", f"{people} people")
        top.append(Box(14 + 78 * (i % 4), 76 + 50 * (i // 4), 72, 36, lines))
    does = tuple(f"{team} ({lead}): {what}." for team, lead, _, what in teams)
    work = [Box(14, 8, 310, 18, ("What each team does",), title=True), Box(14, 34, 310, 110, does)]
    stand_in = (
        "Silvie Marchetti stands in for the managing director when she is away.",
        "A team lead names a deputy in the leave calendar before going on holiday.",
        "The works council has five members and meets on the first Monday of the month.",
        "The chair of the works council is Ewan Tresco.",
    )
    deputies = [
        Box(14, 8, 310, 18, ("Deputies and the works council",), title=True),
        Box(14, 34, 310, 70, stand_in),
    ]
    return pptx([top, work, deputies])


def onboarding() -> bytes:
    """Make the guide for new people."""
    pages = [blocks(page) for page in ONBOARDING.split("\n---\n")]
    return pdf("Your first three months at Ostermere Instruments", pages)


def files() -> dict[str, bytes]:
    """Make every generated file, by its path below this folder."""
    now = expenses(32, "60 days", "Last reviewed 12 January 2026.")
    changed = expenses(38, "30 days", "Valid from 1 September 2026.")
    return {
        "handbook/money/expenses.docx": now,
        "handbook/people/onboarding.pdf": onboarding(),
        "handbook/people/org-chart.pptx": org_chart(),
        "handbook/people/salary-bands.xlsx": salary_bands(),
        "handbook-changed/money/expenses.docx": changed,
    }


def main(folder: Path) -> None:
    """Write the files below a folder."""
    for name, data in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _ = path.write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
