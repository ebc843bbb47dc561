"""Which Label Studio project is a batch's: its number first, then its title if it holds the batch's articles."""

from types import SimpleNamespace

import pytest
from label_studio_sdk.core.api_error import ApiError

from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import ProjectMark, find_project
from builder.labelstudio.client import send
from builder.records import KhabarError

OURS = {"article_id": "1-0", "text_sha": "s", "batch": "pilot"}
FOREIGN = {"text": "خبر من منصة أخرى"}
CONFIG = '<View className="kh-page"/>'


class Server:
    """A Label Studio as the SDK shows it: projects by number, and what was asked of them."""

    def __init__(self, **projects):
        self.all = {
            int(name[1:]): SimpleNamespace(id=int(name[1:]), title=title, created_at=made, label_config=config,
                                           tasks=tasks, maximum_annotations=1, task_number=len(tasks), organization=1)
            for name, (title, made, config, tasks) in projects.items()
        }  # fmt: skip
        self.changed = []
        self.projects, self.tasks = self, SimpleNamespace(list=self.tasks_of)
        self.seen = []
        self.views = SimpleNamespace(list=lambda project: [], create=lambda project, data: self.seen.append(data))

    def get(self, id):  # noqa: A002 - the SDK's name
        if id not in self.all:
            raise ApiError(status_code=404, body={"detail": "No Project matches the given query."})
        return self.all[id]

    def list(self, title, **_):
        return [one for one in self.all.values() if title in one.title]

    def tasks_of(self, project, **_):
        found = [SimpleNamespace(id=n, data=data) for n, data in enumerate(self.all[project].tasks)]
        return type("Page", (list,), {"items": found})(found)

    def update(self, **settings):
        self.changed.append(settings)

    def create(self, title, label_config, **_):
        self.all[99] = SimpleNamespace(id=99, title=title, created_at="new", label_config=label_config, tasks=[],
                                       maximum_annotations=1, task_number=0, organization=1)  # fmt: skip
        return self.all[99]

    def import_tasks(self, project, request, **_):
        self.all[project].tasks += [task["data"] for task in request]
        self.all[project].task_number += len(request)


def mark(number=0, made=""):
    return ProjectMark("me/mine pilot", "pilot", {"1-0", "2-0"}, number, made)


def find(server, wanted):
    return find_project(Connection("http://ls", server), wanted)


@pytest.mark.parametrize(
    ("projects", "wanted", "found"),
    [
        ({"p7": ("renamed there", "t7", CONFIG, [OURS])}, mark(7, "t7"), 7),
        ({"p7": ("me/old pilot", "t7", CONFIG, [])}, mark(7, "t7"), 7),
        ({"p7": ("me/old pilot", "t7", CONFIG, [OURS])}, mark(7), 7),
        ({"p7": ("of a new server", "t9", CONFIG, [OURS])}, mark(7, "t7"), None),
        ({"p7": ("somebody's", "t7", "<View/>", [FOREIGN])}, mark(7), None),
        ({"p3": ("me/mine pilot", "t3", CONFIG, [OURS])}, mark(), 3),
        ({"p3": ("me/mine pilot", "t3", CONFIG, [FOREIGN, OURS])}, mark(7, "t7"), 3),
        ({"p3": ("me/mine pilot", "t3", CONFIG, [])}, mark(), 3),
        ({"p3": ("me/mine pilot", "t3", CONFIG, [OURS]), "p4": ("me/mine pilot", "t", "<View/>", [FOREIGN])}, mark(), 3),
        ({"p3": ("me/mine pilot 2", "t3", CONFIG, [OURS])}, mark(), None),
    ],
    ids=["renamed", "other repo_id", "old note", "number of another server", "number of a stranger", "by title",
         "noted one is gone", "killed before import", "beside a stranger's", "longer title"],
)  # fmt: skip
def test_project_is_found_by_its_number_then_by_what_it_holds(projects, wanted, found):
    assert find(Server(**projects), wanted) == found


@pytest.mark.parametrize(
    "project",
    [
        ("me/mine pilot", "t", "<View/>", [FOREIGN]),
        ("me/mine pilot", "t", "<View/>", []),
        ("me/mine pilot", "t", CONFIG, [OURS | {"article_id": "9-0"}]),
        ("me/mine pilot", "t", CONFIG, [OURS | {"batch": "second"}]),
    ],
    ids=["tasks of a stranger", "empty and of a stranger", "other articles", "another batch"],
)
def test_a_project_of_the_same_title_is_never_filled_or_changed(project):
    server = Server(p5=project)
    tasks = [{"data": OURS}]
    with pytest.raises(KhabarError) as caught:
        send(Connection("http://ls", server), mark(), CONFIG, tasks, overlap=1, progress=print)

    (issue,) = caught.value.issues
    assert (caught.value.exit_code, issue.code) == (4, "other-project")
    assert "number 5" in issue.message
    assert (server.changed, server.all[5].tasks, [*server.all]) == ([], project[3], [5])


def test_sending_to_a_renamed_project_makes_no_second_one():
    server = Server(p7=("renamed there", "t7", CONFIG, [OURS]))
    tasks = [{"data": OURS}, {"data": OURS | {"article_id": "2-0"}}]
    sent = send(Connection("http://ls", server), mark(7, "t7"), CONFIG, tasks, overlap=1, progress=print)

    assert (sent.project_id, sent.created, sent.present, sent.created_at) == ("7", 1, 1, "t7")
    assert ([*server.all], server.changed) == ([7], [])


def test_lost_project_is_made_again():
    server = Server(p7=("of a new server", "t9", CONFIG, [OURS]))
    sent = send(Connection("http://ls", server), mark(7, "t7"), CONFIG, [{"data": OURS}], overlap=1, progress=print)

    assert (sent.project_id, sent.created, sent.created_at) == ("99", 1, "new")
    assert server.all[7].tasks == [OURS]
    assert "tasks:data.guide_html" in server.seen[0]["hiddenColumns"]["explore"]
