"""Nine devices of three users do what they like, seed by seed: at no moment is a user in two calls, and nothing
breaks. What is left of it is the log."""
import asyncio
import random
import re

import pytest
from slixmpp import JID
from slixmpp.exceptions import IqError, IqTimeout

from clients import run
from lyceum import Server
from member import ROOMS, source
from test_call_rules import login

SECONDS = 8
NICKS = ("aa", "bb", "not fit", "z" * 200)


class Storm:
    def __init__(self, members, seed):
        self.members, self.random, self.stop = members, random.Random(seed), asyncio.Event()

    async def ask(self, m):
        calls = [o.call for o in self.members if hasattr(o, "call")]
        await m.ask(self.random.choice(("x", "y", "z")), self.random.choice([None] + calls))
        m.present()

    async def rename(self, m):
        m.present(nick=self.random.choice((m.nick,) + NICKS))

    async def leave(self, m):
        m.make_presence(pto=f"{m.room}@{ROOMS}/{m.nick}", ptype="unavailable").send()

    async def accept(self, m):
        if not m.jingles.empty():
            await m.offer()
            await m.accept()

    async def terminate(self, m):
        await m.send_jingle("session-terminate")

    async def publish(self, m):
        extra = [source(f"{m.nick}-v1", self.random.randrange(1, 30), self.random.randrange(1, 30))]
        await m.send_jingle(self.random.choice(("source-add", "source-remove")), extra)

    async def moderate(self, m):
        room = JID(f"{m.room}@{ROOMS}")
        if self.random.random() < 0.3:
            await m.muc.destroy(room, timeout=3)
        else:
            await m.muc.set_role(room, self.random.choice(self.members).nick, "none", timeout=3)

    async def member(self, m):
        deeds = (self.ask,) * 3 + (self.rename, self.leave, self.accept, self.accept, self.terminate,
                                   self.publish, self.moderate)
        while not self.stop.is_set():
            try:
                await self.random.choice(deeds)(m)
            except (IqError, IqTimeout, TimeoutError, AttributeError):
                pass  # refused, or there is no room or session yet
            await asyncio.sleep(self.random.random() * 0.02)


def two_at_a_time(log):
    """(user, calls) for each moment at which a user was in two."""
    inside = {}
    for event, room, jid, endpoint in re.findall(
            r" focus (joined|left) room=(\S+) jid=(\S+) endpoint=(\S*)", log):
        calls = inside.setdefault(jid.partition("/")[0], set())
        if event == "joined":
            calls.add((room, jid, endpoint))
        else:
            calls.discard((room, jid, endpoint))
        if len(calls) > 1:
            yield jid, calls


@pytest.mark.parametrize("seed", [1, 2])
def test_storm(seed):
    s = Server({"limits": {"stream_rate": 0}}, users=("student1", "student2", "student3"))

    async def main():
        members = await login(s, *(f"student{i}/{d}" for i in (1, 2, 3) for d in "abc"))
        for i, m in enumerate(members):
            m.nick = f"n{i % 5}" if i < 5 else f"q{i}"  # users that share nicks with their devices, and not
        storm = Storm(members, seed)
        tasks = [asyncio.ensure_future(storm.member(m)) for m in members]
        await asyncio.sleep(SECONDS)
        storm.stop.set()
        done, _ = await asyncio.wait(tasks, timeout=15)
        for task in done:
            task.result()
    try:
        run(main())
        log = s.log()
        assert log.count(" focus joined ") > 10
        assert not list(two_at_a_time(log))
    finally:
        s.close()
