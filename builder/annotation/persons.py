"""Annotators of exports: which accounts are one person, and under which pseudonym. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from builder.annotation.pseudonyms import number_pseudonym, pseudonym
from builder.records import PersonAlias

RANKS = 100
"""Number of annotations of nobody on one article that are recognised later."""

PLAIN_DOMAIN = "khabar.localhost"
"""Domain of the e-mail that khabar gives a plain name."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom an annotation names: the place of the server as the export names it, the number there, and the e-mail.

    Without number and e-mail it is nobody: the account was deleted, or the export does not keep it.
    """

    place: str = ""
    number: int | None = None
    email: str = ""

    @property
    def is_nobody(self) -> bool:
        """Return whether neither a number nor an e-mail is known."""
        return self.number is None and not self.email


@dataclass(slots=True)
class Roster:
    """The accounts of an export, each under a provisional name; annotations of nobody have one each."""

    accounts: dict[str, Account] = field(default_factory=dict)
    names: dict[Account, str] = field(default_factory=dict)

    def name(self, account: Account) -> str:
        """Return the provisional name of an account."""
        if account.is_nobody or account not in self.names:
            self.names[account] = f"#{len(self.accounts)}"
            self.accounts[self.names[account]] = account
        return self.names[account]


@dataclass(frozen=True, slots=True)
class People:
    """What is known of annotators: the pseudonym key, aliases, pseudonyms in use, and whom the user named.

    `given` maps a number or e-mail to the e-mail, the plain name or the pseudonym of a person.
    """

    key: bytes
    aliases: Mapping[str, str]
    used: Collection[str] = ()
    given: Mapping[str, str] = field(default_factory=dict)


def resolve(name: str, aliases: Mapping[str, str]) -> str:
    """Return the pseudonym that stands for a person, following aliases.

    >>> resolve("a-1", {"a-1": "a-2", "a-2": "a-3"})
    'a-3'
    """
    passed: set[str] = set()
    while name in aliases and name not in passed:
        passed.add(name)
        name = aliases[name]
    return name


def aliases_of(lines: Iterable[PersonAlias]) -> dict[str, str]:
    """Return the pseudonym that each alias stands for."""
    return {line.alias: line.annotator for line in lines}


def person(key: bytes, word: str) -> str:
    """Return the pseudonym of a person whom the user named: by pseudonym, by e-mail, or by a plain name.

    >>> person(b"key", "a-0123456789"), person(b"key", "huda") == person(b"key", "huda@khabar.localhost")
    ('a-0123456789', True)
    """
    if is_pseudonym(word):
        return word
    return pseudonym(key, word if "@" in word else f"{word}@{PLAIN_DOMAIN}")


def is_pseudonym(word: str) -> bool:
    """Return whether a word has the form of a pseudonym."""
    return len(word) == 12 and word.startswith("a-") and all(letter in "0123456789abcdef" for letter in word[2:])


def identify(account: Account, origin: str, known_as: str, people: People) -> tuple[str, dict[str, str]]:
    """Return the pseudonym of an account, and the new aliases that say so.

    `known_as` is the pseudonym of annotations of the account that were collected before, or empty. What the user says
    counts first, then a pseudonym in use, then the e-mail, then the number on its server.
    """
    email = pseudonym(people.key, account.email) if account.email else ""
    number = "" if account.number is None else number_pseudonym(people.key, origin, account.number)
    names = [name for name in (email, known_as, number) if name]
    used = [known for name in names if (known := resolve(name, people.aliases)) in people.used or known != name]
    given = _given(account, people)
    final = resolve(given or (used or names)[0], people.aliases)
    joined = {name: final for name in names if resolve(name, people.aliases) != final}
    joined |= {known: final for known in used if known != final}
    return final, joined


def _given(account: Account, people: People) -> str:
    """Return the pseudonym of the person whom the user named for an account, or ""."""
    words = [account.email.casefold(), "" if account.number is None else str(account.number)]
    named = next((people.given[word] for word in words if word and word in people.given), "")
    return person(people.key, named) if named else ""


def nobody(key: bytes, origin: str, rank: int) -> str:
    """Return the pseudonym of whoever made the annotation of this rank among an article's annotations of nobody."""
    return pseudonym(key, f"{origin} nobody {rank}")


def is_nobody(key: bytes, origin: str, name: str) -> bool:
    """Return whether a pseudonym is one of the first few that `nobody` gives."""
    return any(name == nobody(key, origin, rank) for rank in range(RANKS))


def join_emails(accounts: Mapping[str, Account]) -> dict[str, Account]:
    """Return the accounts, with the e-mail added where the export shows it elsewhere beside the same number.

    A number that has several e-mails stays a number: which of them it is cannot be known.
    """
    emails: dict[tuple[str, int | None], set[str]] = {}
    for account in accounts.values():
        if account.email:
            emails.setdefault((account.place, account.number), set()).add(account.email.strip().casefold())

    def joined(account: Account) -> Account:
        known = emails.get((account.place, account.number), set())
        can = account.number is not None and not account.email and len(known) == 1
        return replace(account, email=next(iter(known))) if can else account

    return {name: joined(account) for name, account in accounts.items()}
