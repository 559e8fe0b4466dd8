#!/usr/bin/python3
"""Neovim's RPC channel, a MessagePack-RPC client that knows nothing of Switchboard, submits and completes a contact."""
import pathlib
import subprocess

from center import DEADLINE, CenterTest, Client, main

SCRIPT = pathlib.Path(__file__).with_name("wire_neovim.lua")


class WireNeovim(CenterTest):
    def test_submits_and_completes_a_contact(self):
        server = self.start()
        with Client(server, "admin") as admin:
            admin.call("agent.put", agent="nvim")
        editor = subprocess.run(
            ["nvim", "--headless", "--clean", "-u", "NONE", "-c", f"luafile {SCRIPT}", "-c", "cquit 9"],
            env=dict(server.env, SWITCHBOARD_ADDRESS=f"127.0.0.1:{server.port}"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * DEADLINE, text=True, check=False)
        self.assertEqual(editor.returncode, 0, editor.stdout)
        self.assertIn("completed", editor.stdout)
        with Client(server, "supervisor") as desk:
            contact = desk.call("contact.get", contact="from-neovim")
            self.assertEqual((contact["state"], contact["agent"]), ("completed", "nvim"))


if __name__ == "__main__":
    main()
