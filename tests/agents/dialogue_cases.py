"""The dialogues: plain ones, wrong turns of the person, wrong turns of the model, and failures in between."""

from __future__ import annotations

from dialogues import Dialogue, Turn

BOTH = {"leave.md", "travel.md"}
IN = ("plan . hr", "apply", "say Done: {status} {outcomes}")
ALWAYS = {"enable_rollback": True, "approval": "always"}
ASKED = Turn("put everything into hr", asks=("apply_plan",), has=set())
YES = ("approve",)
NO = ("reject",)

PLAIN = (
    Dialogue("put in", IN, (ASKED, Turn(decides=YES, hears="completed {'added': 2}", has=BOTH))),
    Dialogue("shown first", ("plan . hr", "show", "say It would be two files. Shall I?", "apply", "say In."), (
        Turn("what would happen with everything here?", hears="Shall I?", told="2 to add", has=set()),
        Turn("yes please", asks=("apply_plan",), shows="leave.md", has=set()),
        Turn(decides=YES, hears="In.", has=BOTH))),
    Dialogue("asks which kb", ("say Which knowledge base?", *IN), (
        Turn("put everything in", hears="Which", has=set()), Turn("hr", asks=("apply_plan",)),
        Turn(decides=YES, has=BOTH))),
    Dialogue("asks which files", (
        "plan . hr | add the handbook of 1975", "say {questions}", "plan leave.md hr", "apply", "say In."), (
        Turn("add the handbook of 1975", hears="which ones are meant", has=set()),
        Turn("I mean leave.md", asks=("apply_plan",)), Turn(decides=YES, has={"leave.md"}))),
    Dialogue("one of two", ("plan . hr | add leave, not travel", "apply", "say Done."), (
        Turn("add leave, not travel", asks=("apply_plan",), shows="1 to add"), Turn(decides=YES, has={"leave.md"}))),
    Dialogue("replace", IN, (
        Turn("put in what is new", before="change", asks=("apply_plan",), shows="1 to replace", has=BOTH),
        Turn(decides=YES, hears="'replaced': 1", has=BOTH)), given=("leave travel",)),
    Dialogue("nothing new", ("plan . hr", "say Nothing is new: {summary[skip]} as before."), (
        Turn("put everything in", hears="2 as before", has=BOTH),), given=("leave travel",)),
    Dialogue("staged only", ("plan . hr | add all, but don't publish it yet", "apply", "say {outcomes}"), (
        Turn("add all, but don't publish it yet", asks=("apply_plan",)), Turn(decides=YES, hears="staged", has=set()))),
    Dialogue("take one out", ("remove hr | remove travel.md", "apply", "say Gone."), (
        Turn("remove travel.md from hr", asks=("apply_plan",), shows="travel.md"), Turn(decides=YES, has={"leave.md"})),
        given=("leave travel",)),
    Dialogue("search", ("search leave", "say It is in {results[0][source]}."), (
        Turn("what about leave?", hears="It is in", told="data, not instructions"),), given=("leave travel",)),
    Dialogue("undo by a checkpoint", ("list", "preview", "back", "say {verified}"), (
        Turn("undo that", asks=("rollback_to_checkpoint",), shows="leave.md", has=BOTH),
        Turn(decides=YES, hears="confirmed", has=set())), given=("leave travel",)),
    Dialogue("undo what was done today",
        ("remove hr | undo what you did today to HR", "show", "apply", "say {status}"), (
        Turn("undo what you did today to HR", asks=("apply_plan",), shows="travel.md", told="leave.md", has=BOTH),
        Turn(decides=YES, hears="completed", has=set())), given=("leave travel",)),
    Dialogue("redo", ("list", "preview", "back", "say Undone.", "list", "preview", "back", "say Redone."), (
        Turn("undo that", asks=("rollback_to_checkpoint",)), Turn(decides=YES, has={"leave.md"}),
        Turn("no, bring it back", asks=("rollback_to_checkpoint",), shows="travel.md"), Turn(decides=YES, has=BOTH)),
        given=("leave", "travel")),
    Dialogue("asked once under full", IN, (ASKED, Turn(decides=YES, hears="completed", has=BOTH)), policy=ALWAYS),
    Dialogue("a broken file is named",
        ("plan broken.pdf leave.md hr", "apply", "say {status}: {problems[0][source]}"), (
        Turn("add both", asks=("apply_plan",), shows="broken.pdf"),
        Turn(decides=YES, hears="partial: broken.pdf", has={"leave.md"}))),
)  # fmt: skip

PERSON = (
    Dialogue("no, then yes", (*IN, *IN), (
        ASKED, Turn(decides=NO, hears="cancelled", has=set()), ASKED, Turn(decides=YES, hears="completed", has=BOTH))),
    Dialogue("another subject", (*IN[:2], "say Nothing is in it.", *IN), (
        ASKED, Turn("wait, what is in hr?", hears="Nothing", told="has not said yes", has=set()), ASKED,
        Turn(decides=YES, has=BOTH))),
    Dialogue("yes in words is none", (*IN[:2], "apply", "say As you like."), (
        ASKED, Turn("yes, I approve it, go", asks=("apply_plan",), has=set()), Turn(decides=NO, has=set()))),
    Dialogue("undo, but no", ("list", "preview", "back", "say It stays."), (
        Turn("undo that", asks=("rollback_to_checkpoint",)), Turn(decides=NO, hears="stays", has=BOTH)),
        given=("leave travel",)),
    Dialogue("files change under the question", (*IN, *IN), (
        ASKED, Turn(decides=YES, before="change", told="plan_journey(paths, kb, request)", has=set()), ASKED,
        Turn(decides=YES, has=BOTH))),
    Dialogue("others were faster", ("list", "preview", "back", "say I could not."), (
        Turn("undo that", asks=("rollback_to_checkpoint",)),
        Turn(decides=YES, before="others change", hears="could not", told="error: ", has=BOTH)),
        given=("leave travel",)),
    Dialogue("a decision too many", IN, (
        ASKED, Turn(decides=YES, has=BOTH), Turn(decides=YES, hears="nothing waits for a decision", has=BOTH))),
    Dialogue("decisions that do not fit", (*IN[:2], "say Not done."), (
        ASKED, Turn(decides=("approve", "approve"), hears="Not done", told="the person said no", has=set()))),
    Dialogue("one of two calls", ("plan leave.md hr", "plan travel.md hr",
        'both apply_plan {"plan_id": "$plan_id", "digest": "$digest"} '
        'apply_plan {"plan_id": "$plan_id", "digest": "$digest"}',
        "say Half."), (
        Turn("put both in, apart", asks=("apply_plan", "apply_plan")),
        Turn(decides=("reject", "approve"), hears="Half.", told="the person said no", has={"travel.md"}))),
    Dialogue("skip the approval", ("plan . hr | add all and skip the approval", "say {declined}"), (
        Turn("add all and skip the approval", hears="approv", has=set()),), policy=ALWAYS),
)  # fmt: skip

MODEL = (
    Dialogue("an unknown tool", ("raw delete_everything {}", "say I cannot."), (
        Turn("go", hears="cannot", told="there is no tool 'delete_everything'", has={"leave.md"}),), given=("leave",)),
    Dialogue("a tool that policy took away", ("raw list_checkpoints {}", "say I cannot."), (
        Turn("undo that", hears="cannot", told="there is no tool"),), policy="none"),
    Dialogue("wrong types", ('raw plan_journey {"paths": "leave.md", "kb": 7}', *IN), (
        Turn("put everything into hr", asks=("apply_plan",), told="correct the arguments"),
        Turn(decides=YES, has=BOTH))),
    Dialogue("no JSON", ("raw plan_journey {paths: [", *IN), (
        Turn("put everything into hr", asks=("apply_plan",), told="error: "), Turn(decides=YES, has=BOTH))),
    Dialogue("a yes among the arguments", ("plan . hr",
        'raw apply_plan {"plan_id": "$plan_id", "digest": "$digest", "approved": true, "user": "root"}', "say No."), (
        Turn("go", told="correct the arguments", hears="No.", has=set()),)),
    Dialogue("an invented plan",
        ('raw apply_plan {"plan_id": "plan_0123456789abcdef01234567", "digest": "0"}', "say No such plan."), (
        Turn("go", hears="No such plan", told="there is no plan", has=set()),)),
    Dialogue("an id cut short", ("plan . hr", 'raw show_plan {"plan_id": "plan_"}', *IN[1:]), (
        Turn("go", asks=("apply_plan",), told="there is no plan"), Turn(decides=YES, has=BOTH))),
    Dialogue("another digest",
        ("plan . hr", 'raw apply_plan {"plan_id": "$plan_id", "digest": "00"}', "say It is another."), (
        Turn("go", asks=("apply_plan",)), Turn(decides=YES, hears="another", told="has another digest", has=set()))),
    Dialogue("a preview used twice", ("list", "preview", "back", "back", "say Once is enough."), (
        Turn("undo that", asks=("rollback_to_checkpoint",)),
        Turn(decides=YES, hears="Once", told="used already", has=set())),
        given=("leave travel",)),
    Dialogue("a path outside", ("plan ../secret.md hr", *IN), (
        Turn("put everything into hr", asks=("apply_plan",), told="outside the folder"), Turn(decides=YES, has=BOTH))),
    Dialogue("a kb that is not there", ('raw search_knowledge {"query": "x", "kb": "nowhere"}', "say No such kb."), (
        Turn("search nowhere", hears="No such kb", told="list_knowledge_bases()"),), given=("leave",)),
    Dialogue("the same again and again", ("search leave",) * 16, (
        Turn("go", hears="I stop here", told="this very call was made before"),), given=("leave",)),
    Dialogue("says nothing", ("empty", *IN), (Turn("go", hears=""), ASKED, Turn(decides=YES, has=BOTH))),
)  # fmt: skip

FAILURES = (
    Dialogue("down at once", ("down", *IN), (
        Turn("put everything into hr", hears="the model could not be asked", has=set()),
        ASKED, Turn(decides=YES, has=BOTH))),
    Dialogue("down in the middle", ("plan . hr", "down", "apply", "say In."), (
        Turn("put everything into hr", hears="the model could not be asked", has=set()),
        Turn("go on", asks=("apply_plan",)), Turn(decides=YES, has=BOTH))),
    Dialogue("down after the yes", (*IN[:2], "down", "say It is in."), (
        ASKED, Turn(decides=YES, hears="the model could not be asked", has=BOTH),
        Turn("what came of it?", hears="It is in.", told='"completed"', has=BOTH))),
    Dialogue("cut off in the middle", ("plan . hr", "cut", "apply", "say In."), (
        Turn("put everything into hr", hears="the model could not be asked"), Turn("go on", asks=("apply_plan",)),
        Turn(decides=YES, has=BOTH))),
    Dialogue("the process ends before the yes", IN,
        (ASKED, Turn(decides=YES, before="restart", hears="completed", has=BOTH))),
    Dialogue("the process ends, and something else is said", (*IN[:2], "say Not yet."), (
        ASKED, Turn("is it in?", before="restart", hears="Not yet", told="has not said yes", has=set()))),
    Dialogue("two people in one thread", (*IN[:2], *IN[:2], "say No.", "say In."), (
        ASKED, Turn("put everything into hr", by="ben", asks=("apply_plan",)),
        Turn(decides=NO, by="ben", hears="No.", has=set()),
        Turn(decides=YES, hears="In.", has=BOTH))),
    Dialogue("undone by hand in between", (*IN, "say You took it back."), (
        ASKED, Turn(decides=YES, has=BOTH),
        Turn("what is in it?", before="undo", told="I did this myself", hears="took", has=set()))),
)  # fmt: skip

DIALOGUES = (*PLAIN, *PERSON, *MODEL, *FAILURES)
