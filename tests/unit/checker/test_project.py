"""What workflows call in other modules of the project is checked where it is written; nothing else is."""

from __future__ import annotations

import sys
import tokenize
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foldlog.checker import Config, check_files

HELPERS = """
import random
import uuid
import pydantic
from foldlog import activity

def choose():
    return _choose()

def _choose():
    return random.random()  # HERE

class Dice:
    def __init__(self):
        self.seed = random.random()  # MAKING

    def throw(self):
        return uuid.uuid4()  # THROWING

class Ticket(pydantic.BaseModel):
    key: str = pydantic.Field(
        default_factory=uuid.uuid4,  # FILLING
    )
    _seal: object = pydantic.PrivateAttr(default_factory=uuid.uuid4)  # SEALING

class Base:
    def step(self):
        return uuid.uuid4()  # STEP

def logged(function):
    def around(self):
        random.random()  # AROUND
        return function(self)
    return around

@activity.defn
def charge():
    return random.random()

def unused():
    return random.random()

async def later():
    return 1

DICE = Dice()
"""
WORKFLOW = """
from foldlog import workflow
{imports}

@workflow.defn
class Flow:
    def __init__(self):
        self.dice = {dice}

    @workflow.run
    async def run(self):
        {body}
"""


class Project:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = Config(root=folder)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def flow(self, name: str, imports: str, body: str, dice: str = "None") -> None:
        self.write({name: WORKFLOW.format(imports=imports, body=body, dice=dice)})

    def found(self, *names: str, **options: Any) -> list[str]:
        """File, marker of the line and rule of everything that is found."""
        files = [self.folder / name for name in names]
        found = check_files(files, self.config, self.shown, options.pop("roots", [self.folder]), **options)
        return [f"{one.path} {self.marker(one.path, one.line)} {one.rule}" for one in found]

    def shown(self, file: Path) -> str:
        return file.resolve().relative_to(self.folder.resolve()).as_posix()

    def marker(self, path: str, line: int) -> str:
        return (self.folder / path).read_text().splitlines()[line - 1].partition("# ")[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write({"shop/__init__.py": "", "shop/helpers.py": HELPERS})
    return made


CHOSEN = ["shop/helpers.py HERE FL002"]


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("from shop.helpers import choose", "choose()"),
        ("from shop.helpers import choose as pick", "pick()"),
        ("from .helpers import choose", "choose()"),
        ("from . import helpers", "helpers.choose()"),
        ("from . import helpers as h", "h.choose()"),
        ("from shop import helpers", "helpers.choose()"),
        ("import shop.helpers", "shop.helpers.choose()"),
        ("import shop.helpers as h", "h.choose()"),
        ("import shop", "shop.helpers.choose()"),
        ("with workflow.unsafe.imports_passed_through():\n    from shop.helpers import choose", "choose()"),
        ("from shop.helpers import choose", "await workflow.wait_condition(choose)"),
        ("import shop.helpers as h", "sorted([1], key=h.choose)"),
    ],
)
@pytest.mark.parametrize("given", [["shop/flows.py"], ["shop/flows.py", "shop/helpers.py"]])
def test_a_call_is_followed_however_it_is_imported(project: Project, imports: str, body: str, given: list[str]) -> None:
    project.flow("shop/flows.py", imports, body)
    assert project.found(*given, roots=[]) == CHOSEN


def test_an_import_within_a_function_is_followed(project: Project) -> None:
    project.flow("shop/flows.py", "", "from shop.helpers import choose; choose()")
    assert project.found("shop/flows.py") == CHOSEN


def test_what_a_package_hands_on_is_followed(project: Project) -> None:
    project.write(
        {
            "shop/__init__.py": "from .api import pick\n",
            "shop/api/__init__.py": "from ..helpers import choose as pick\nfrom . import choose as choose\n",
            "shop/api/choose.py": "from shop.helpers import choose\n",
        }
    )
    project.flow("shop/flows.py", "from shop import pick", "pick()")
    project.flow("shop/more.py", "from shop.api.choose import choose", "choose()")
    project.flow("outside.py", "import shop", "shop.pick()")
    for name in ("shop/flows.py", "shop/more.py", "outside.py"):
        assert project.found(name) == CHOSEN, name


def test_modules_that_import_from_each_other_end(project: Project) -> None:
    project.write({"shop/a.py": "from shop.b import f\n", "shop/b.py": "from shop.a import f\n"})
    project.flow("shop/flows.py", "from shop.a import f", "f()")
    assert project.found("shop/flows.py") == []


@pytest.mark.parametrize(
    ("imports", "body", "dice", "expected"),
    [
        ("from shop.helpers import Dice", "Dice().throw()", "None", ["MAKING", "THROWING"]),
        ("from shop import helpers", "helpers.Dice().throw()", "None", ["MAKING", "THROWING"]),
        ("from shop.helpers import Dice", "self.dice.throw()", "Dice()", ["MAKING", "THROWING"]),
        ("from shop.helpers import Ticket", "Ticket()", "None", ["FILLING", "SEALING"]),
        ("from shop.helpers import DICE", "DICE.throw()", "None", ["THROWING"]),
        ("from shop import helpers", "helpers.DICE.throw()", "None", ["THROWING"]),
        (
            "from shop.helpers import Dice",
            "self.given()\n    def given(self, d: Dice): d.throw()",
            "None",
            ["THROWING"],
        ),
        ("import shop", "self.g()\n    def g(self, d: 'shop.helpers.Dice'): d.throw()", "None", ["THROWING"]),
        ("from shop.helpers import logged", "self.g()\n    @logged\n    def g(self): ...", "None", ["AROUND"]),
    ],
)
def test_objects_and_decorators_of_other_modules(
    project: Project, imports: str, body: str, dice: str, expected: list[str]
) -> None:
    project.flow("shop/flows.py", imports, body, dice)
    assert project.found("shop/flows.py") == [f"shop/helpers.py {marker} FL002" for marker in expected]


def test_methods_of_a_base_class_in_another_module(project: Project) -> None:
    project.flow("shop/flows.py", "from shop.helpers import Base", "await self.x()")
    file = project.folder / "shop/flows.py"
    file.write_text(file.read_text().replace("class Flow:", "class Flow(Base):"))
    assert project.found("shop/flows.py") == ["shop/helpers.py STEP FL002"]
    file.write_text(
        file.read_text().replace("    async def run", "    def step(self): super().step()\n    async def run")
    )
    assert project.found("shop/flows.py") == ["shop/helpers.py STEP FL002"]


def test_a_coroutine_function_of_another_module_must_be_awaited(project: Project) -> None:
    project.flow("shop/flows.py", "from shop import helpers", "helpers.later()  # CALL")
    assert project.found("shop/flows.py") == ["shop/flows.py CALL FL008"]


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("from shop.helpers import charge", "await workflow.execute_activity(charge, schedule_to_close_timeout=1)"),
        ("from shop import helpers", "await workflow.execute_activity(helpers.charge)"),
        ("from shop.helpers import unused", "self.kept = unused"),
        ("from shop.helpers import choose", "choose = workflow.random; choose()"),
        ("from shop.helpers import choose", "with workflow.unsafe.sandbox_unrestricted(): choose()"),
        ("from shop.nowhere import choose", "choose()"),
        ("from ....shop.helpers import choose", "choose()"),
        ("from shop.helpers import nothing", "nothing()"),
        ("import random as shop", "shop.helpers.choose()"),
    ],
)
def test_what_is_not_called_or_not_known_is_not_followed(project: Project, imports: str, body: str) -> None:
    project.flow("shop/flows.py", imports, body)
    found = project.found("shop/flows.py", "shop/helpers.py")
    assert found == []


STATE = """
CACHE = {}
LIMITS = (1, 2)
COUNT = 0

class Settings:
    limit = 1

SETTINGS = Settings()
"""


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("from shop.state import CACHE", "CACHE['x'] = 1"),
        ("from shop.state import CACHE as kept", "kept.update(x=1)"),
        ("from shop import state", "state.CACHE['x'] = 1"),
        ("from shop import state", "state.COUNT += 1"),
        ("import shop.state", "del shop.state.COUNT"),
        ("from shop.state import SETTINGS", "SETTINGS.limit = 2"),
        ("from shop import state", "state.SETTINGS.limit = 2"),
        ("from shop.state import Settings", "Settings.limit = 2"),
        ("from shop import state", "state.Settings.limit = 2"),
    ],
)
def test_a_global_of_another_module_that_is_changed_is_found(project: Project, imports: str, body: str) -> None:
    project.write({"shop/state.py": STATE})
    project.flow("shop/flows.py", imports, f"{body}  # CHANGE")
    assert project.found("shop/flows.py") == ["shop/flows.py CHANGE FL007"]


@pytest.mark.parametrize(
    ("imports", "body"),
    [
        ("from shop.state import CACHE", "print(CACHE['x'], CACHE.get('x'))"),
        ("from shop.state import CACHE", "CACHE = {}; CACHE['x'] = 1"),
        ("from shop.state import LIMITS", "sorted(LIMITS)"),
        ("from shop.state import Settings", "settings = Settings(); settings.limit = 2"),
        ("from shop import state", "with workflow.unsafe.sandbox_unrestricted(): state.COUNT += 1"),
        ("import random as state", "state.COUNT = 1"),
    ],
)
def test_what_changes_no_global_of_another_module_is_let_pass(project: Project, imports: str, body: str) -> None:
    project.write({"shop/state.py": STATE})
    project.flow("shop/flows.py", imports, body)
    assert project.found("shop/flows.py") == []


def test_what_is_installed_and_the_standard_library_are_not_followed(project: Project) -> None:
    project.write(
        {
            "lib/site-packages/other/__init__.py": HELPERS,
            "statistics.py": HELPERS,
            "generated/api.py": HELPERS,
            "broken.py": "def choose(:\n",
        }
    )
    body = "statistics.choose(); other.choose(); api.choose(); broken.choose()"
    project.flow("flows.py", "import statistics, other, broken\nfrom generated import api", body)
    roots = [project.folder, project.folder / "lib/site-packages"]
    project.config = Config(root=project.folder.resolve(), exclude=("generated/*",))
    assert project.found("flows.py", roots=roots) == []
    project.config = Config(root=project.folder.resolve())
    assert project.found("flows.py", roots=roots) == ["generated/api.py HERE FL002"]


def test_imports_begin_at_the_roots_too(project: Project) -> None:
    project.write({"src/store/helpers.py": HELPERS})
    project.flow("src/store/deep/flows.py", "from store.helpers import choose", "choose()")
    assert project.found("src/store/deep/flows.py") == []
    found = project.found("src/store/deep/flows.py", roots=[project.folder / "src"])
    assert found == ["src/store/helpers.py HERE FL002"]


def test_a_finding_says_which_workflow_gets_there_and_how(project: Project) -> None:
    project.flow("shop/flows.py", "from shop.helpers import choose", "self.more()\n    def more(self): choose()")
    (found,) = check_files([project.folder / "shop/flows.py"], project.config, project.shown)
    assert str(found) == (
        "shop/helpers.py:11:12: FL002 random.random, which comes out differently in replay: use workflow.random() "
        "[_choose, which shop/flows.py calls: Flow.more > choose > _choose]"
    )


def test_an_exception_stands_at_the_helpers_line(project: Project) -> None:
    project.write({"shop/helpers.py": HELPERS.replace("# HERE", "# foldlog: ignore[FL002] only shown")})
    project.flow("shop/flows.py", "from shop.helpers import choose", "choose()")
    assert project.found("shop/flows.py") == []
    assert project.found("shop/flows.py", "shop/helpers.py") == []
    # By itself: who calls it is not to be seen, so nobody knows that the exception is not needed.
    assert project.found("shop/helpers.py") == []
    project.write({"shop/helpers.py": HELPERS.replace("# HERE", "# foldlog: ignore[FL002]")})
    assert [found[-5:] for found in project.found("shop/flows.py", "shop/helpers.py")] == ["FL002", "FL090"]
    project.write({"shop/helpers.py": HELPERS.replace("return _choose()", "return 1  # foldlog: ignore[FL002] why")})
    assert [found[-5:] for found in project.found("shop/flows.py", "shop/helpers.py")] == ["FL091"]
    assert project.found("shop/flows.py") == [], "its exceptions are for when it is checked itself"


def test_each_file_is_read_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Counter[str] = Counter()
    original: Callable[[Any], Any] = tokenize.open
    monkeypatch.setattr(tokenize, "open", lambda file: opened.update([Path(file).name]) or original(file))
    names = [f"shop/flows{number}.py" for number in range(3)]
    for name in names:
        project.flow(name, "from shop.helpers import choose\nimport shop.helpers as h", "choose(); h.choose()")
    assert project.found(*names, "shop/helpers.py") == CHOSEN
    assert set(opened.values()) == {1}
    assert not {"shop", "shop.helpers"} & set(sys.modules)
