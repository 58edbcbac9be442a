"""Whether two e-mail addresses are one person's."""

import pytest

from rewards.mail_addresses import DISPOSABLE_FILE, Mail, NoAddress


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("jo.smith@example.com", "josmith@example.com"),
        (" Jo.Smith+shop@Example.COM ", "josmith@example.com"),
        ("j.o.s.m.i.t.h+a+b@googlemail.com", "josmith@gmail.com"),
        ("josmith@ｅxample.com", "josmith@example.com"),
        ("+tag@example.com", "+tag@example.com"),
        ("jürgen@müller.example", "jürgen@müller.example"),
    ],
)
def test_dots_and_what_follows_a_plus_don_t_make_another_box(text, box):
    assert Mail.of(text).box == box


@pytest.mark.parametrize("text", [
    "", "x", "@example.com", "a@", "a@b", "a b@example.com", "a@@example.com", "a@example..com", "a@.com",
    "a@example.com\n<script>", "a@exam\0ple.com", "a@example.com, b@example.com", f"{'a' * 65}@example.com",
    f"a@{'b' * 63}.{'c' * 250}.com", "a@-example.com", "a@example.c0m@x", "<a@example.com>",
])  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(NoAddress):
        Mail.of(text)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("jo.smithson1@example.com", "jo_smithson-2@elsewhere.example", True),
        ("josmithson@example.com", "josmithson+x@example.com", True),
        ("jo.smithson@example.com", "al.smithson@example.com", False),
        ("anna1@example.com", "anna2@example.com", False),
        ("123456@example.com", "123456@elsewhere.example", False),
    ],
)
def test_letters_alone_tell_who_is_alike(one, other, alike):
    first, second = Mail.of(one).stem, Mail.of(other).stem
    assert (first is not None and first == second) == alike


@pytest.mark.parametrize(
    ("text", "thrown_away"),
    [
        ("a@mailinator.com", True),
        ("a@eu.mailinator.com", True),
        ("A@YOPMAIL.com", True),
        ("a@notmailinator.com", False),
        ("a@mailinator.com.example", False),
        ("a@gmail.com", False),
    ],
)
def test_disposable_domains_with_all_below_them(text, thrown_away):
    assert Mail.of(text).is_disposable == thrown_away


def test_the_list_of_disposable_domains_is_in_order():
    domains = DISPOSABLE_FILE.read_text().split("\n")[:-1]
    assert domains == sorted(set(domains))
    assert all(Mail.of(f"a@{domain}").domain == domain for domain in domains)
