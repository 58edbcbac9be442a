"""What is no order and still earns: each kind a small class, each occasion with a key that pays once."""

from dataclasses import dataclass
from typing import ClassVar

from rewards.rules.base import Action, Json, Reading
from rewards.rules.words import Saying


@dataclass(frozen=True, slots=True)
class Birthday(Action):
    """Once a year, on the day."""

    yearly: bool = True

    kind: ClassVar[str] = "birthday"
    label: ClassVar[str] = "Birthday"

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        return f"{saying.points(setting['points'])} on the birthday"


@dataclass(frozen=True, slots=True)
class Newsletter(Action):
    """Once, for agreeing to marketing by e-mail."""

    kind: ClassVar[str] = "newsletter"
    label: ClassVar[str] = "Newsletter"

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        return f"{saying.points(setting['points'])} for agreeing to e-mails"


@dataclass(frozen=True, slots=True)
class Sms(Action):
    """Once, for agreeing to marketing by text message."""

    kind: ClassVar[str] = "sms"
    label: ClassVar[str] = "Text messages"

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        return f"{saying.points(setting['points'])} for agreeing to text messages"


@dataclass(frozen=True, slots=True)
class Social(Action):
    """Once, for opening a page to follow or to share: nobody can see more than the click."""

    url: str = ""

    kind: ClassVar[str] = "social"
    label: ClassVar[str] = "Follow us"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"], "url": setting["url"]}

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        return f"{saying.points(setting['points'])} for visiting {setting['url']}"


@dataclass(frozen=True, slots=True)
class Review(Action):
    """For each review that a review app tells of, more for one with a picture."""

    yearly: bool = True
    with_picture: int = 0

    kind: ClassVar[str] = "review"
    label: ClassVar[str] = "Review"
    told: ClassVar[bool] = True

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {
            "points": setting["points"],
            "most": setting["most"],
            "with_picture": max(setting["points"], setting["with_picture"]),
        }

    def worth(self, *, picture: bool) -> int:
        return self.with_picture if picture else self.points

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        picture = f", {setting['with_picture']} with a picture" if setting["with_picture"] else ""
        return f"{saying.points(setting['points'])} for a review{picture}"


@dataclass(frozen=True, slots=True)
class Content(Action):
    """For each contribution that the merchant approves."""

    yearly: bool = True
    ask: str = ""

    kind: ClassVar[str] = "content"
    label: ClassVar[str] = "Your contribution"
    waits: ClassVar[bool] = True

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"], "most": setting["most"], "ask": setting["ask"]}

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        return f"{saying.points(setting['points'])} for a contribution that you approve"


@dataclass(frozen=True, slots=True)
class Survey(Action):
    """Once, for an answer: one of these, or a text of one's own where there are none."""

    question: str = ""
    answers: tuple[str, ...] = ()

    kind: ClassVar[str] = "survey"
    label: ClassVar[str] = "A question"

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        answers = tuple(setting["answers"])
        return {"points": setting["points"], "question": setting["question"], "answers": answers}

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        return f"{saying.points(setting['points'])} for answering “{setting['question']}”"


@dataclass(frozen=True, slots=True)
class Custom(Action):
    """Whatever Flow or the API tells of, each occasion once."""

    kind: ClassVar[str] = "custom"
    label: ClassVar[str] = "Something special"
    told: ClassVar[bool] = True

    @classmethod
    def _own(cls, setting: Json, reading: Reading) -> Json:
        return {"points": setting["points"], "most": setting["most"]}

    @classmethod
    def _says(cls, setting: Json, saying: Saying) -> str:
        most = setting["most"]
        often = "" if most is None else " once" if most == 1 else f" up to {most} times"
        return f"{saying.points(setting['points'])} for “{setting['title'] or setting['id']}”{often}"
