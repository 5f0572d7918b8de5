"""Tickets, by which a second connection runs one signed text: the consoles of hardened nodes."""

from __future__ import annotations

import pytest

from tests.hostile.thieves import MARK, REFUSED, Line, order
from tests.ssh.gates import Person, stolen

pytestmark = pytest.mark.lab


def ticket(line: Line, alice: Person, body: str) -> str:
    signed = order(line.challenge, body, job="-", term=0)
    signature = alice.sign(signed)
    line.send(f"ticket {len(body)} {len(signed)} {len(signature)}\n".encode() + signed + signature
              + body.encode())
    return line.hear().strip()


def test_a_ticket_is_good_once(gated, node, line, alice) -> None:
    word = ticket(line, alice, "echo redeemed")
    assert stolen(gated, node, word).stdout == b"redeemed\n"
    assert "a ticket that nobody gave" in stolen(gated, node, word).stderr.decode()


def test_a_ticket_ends_with_the_connection_that_got_it(gated, node, alice) -> None:
    line = Line(gated, node)
    word = ticket(line, alice, f"touch {MARK}")
    line.end()
    assert "a ticket that nobody gave" in stolen(gated, node, word).stderr.decode()


def test_a_ticket_for_another_text_is_refused(line, alice) -> None:
    signed = order(line.challenge, "echo harmless", job="-", term=0)
    body, signature = f"touch {MARK}", alice.sign(signed)
    said = line.end(f"ticket {len(body)} {len(signed)} {len(signature)}\n".encode() + signed
                    + signature + body.encode())
    assert REFUSED in said
