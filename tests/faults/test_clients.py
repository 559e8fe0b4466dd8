#!/usr/bin/python3
"""The load of the rig against one router with a file for a journal, that is killed and paused: the checker finds nothing. And
with somebody in the middle who tampers, it finds what was done.

SEED brings a run back, ROUNDS makes the clean run longer, PULLERS says how many of six agents pull, KEEP keeps histories.
"""
import asyncio
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "process"))
from center import CenterTest, main  # noqa: E402

from clients import CONFIG, Load  # noqa: E402
from recorder import Recorder  # noqa: E402
from tamper import TAMPERS, Middle  # noqa: E402

SEED = int(os.environ.get("SEED", "1"))
ROUNDS = int(os.environ.get("ROUNDS", "4"))
PULLERS = int(os.environ.get("PULLERS", "2"))
CHECK = ROOT / "tests" / "checker" / "check.py"


class Clients(CenterTest):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-history-"))
        self.addCleanup(self.clear)

    def clear(self):
        if self.failed() or "KEEP" in os.environ:
            print(f"histories are kept: {self.folder}", flush=True)
            return
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()

    def check(self, path):
        """What the checker says, as a program of its own."""
        checked = subprocess.run([sys.executable, "-B", str(CHECK), str(path), "--json"], capture_output=True, text=True)
        self.assertIn(checked.returncode, (0, 1), checked.stdout + checked.stderr)
        return json.loads(checked.stdout)

    async def restarts(self, server, load, chance):
        for i in range(ROUNDS):
            await load.work(chance.randrange(60, 140))
            load.recorder.fault("kill", "begin")
            server.kill()
            await asyncio.to_thread(server.start, ready=False)
            load.recorder.fault("kill", "end")
            await load.work(40)
            load.recorder.fault("pause", "begin")
            server.signal(signal.SIGSTOP)
            try:
                await load.until(lambda: False, chance.choice((0.1, 0.4, 1.0)))  # so long it stands still
            finally:
                server.signal(signal.SIGCONT)
            load.recorder.fault("pause", "end")

    def test_nothing_is_wrong(self):
        print(f"SEED={SEED}", flush=True)
        server = self.start(CONFIG, journal="file")
        path = self.folder / "clean.jsonl"

        async def run():
            recorder = Recorder(path)
            load = Load(recorder, [server.tcp], seed=SEED, pullers=PULLERS)
            await load.start()
            await self.restarts(server, load, random.Random(SEED))
            await load.finish()
            recorder.close()
            return recorder.counts, len(load.contacts)
        counts, contacts = asyncio.run(run())
        print(f"{contacts} contacts, {counts}", flush=True)
        for kind in ("ok", "fail", "info", "event", "fault"):
            self.assertGreater(counts.get(kind, 0), 0, f"none of kind {kind}: the load is too thin")
        found = self.check(path)
        self.assertEqual(found["violations"], [])
        self.assertEqual((found["final"], found["quiet"]), (["default"], ["default"]))
        self.assertGreater(found["contacts"], 500)

    def test_what_is_tampered_with_is_found(self):
        for name, (invariants, tamper) in TAMPERS.items():
            with self.subTest(name):
                server = self.start(CONFIG, journal="file")
                path = self.folder / f"{name}.jsonl"
                struck = asyncio.run(self.tampered(server, path, tamper))
                found = self.check(path)
                print(f"{name}: struck {struck} times, found {found['counts']}", flush=True)
                self.assertGreater(struck, 0, "it found no place")
                self.assertTrue(invariants & set(found["counts"]), f"{invariants} are not in {found['counts']}")

    async def tampered(self, server, path, tamper):
        recorder = Recorder(path)
        middle = Middle(server.port, tamper())
        address = await middle.open()
        load = Load(recorder, [address], seed=SEED, every_ms=8)
        await load.start()
        await load.work(60)
        recorder.fault("kill", "begin")
        server.kill()
        await asyncio.to_thread(server.start, ready=False)
        recorder.fault("kill", "end")
        await load.work(60)
        await load.finish(healed_ms=10, drain_ms=4000)
        await middle.close()
        recorder.close()
        return middle.tamper.struck


if __name__ == "__main__":
    main()
