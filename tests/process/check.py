#!/usr/bin/python3
"""The server's own words at the door: --check, --help, and what it refuses to start with."""
import os
import signal
import subprocess

from center import BIN, DEADLINE, MINIMAL, CenterTest, Client, free_port, main, until

SERVER = str(BIN / "switchboard-server")


def run(*arguments):
    return subprocess.run([SERVER, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=DEADLINE, text=True, check=False)


class Check(CenterTest):
    def test_a_server_that_serves_is_fine(self):
        server = self.start()
        self.assertEqual(run("--check", server.tcp).returncode, 0)
        self.assertEqual(run("--check", server.unix).returncode, 0)

    def test_nobody_there_is_not(self):
        self.assertNotEqual(run("--check", f"tcp://127.0.0.1:{free_port()}").returncode, 0)
        self.assertNotEqual(run("--check", "unix:///nonexistent/socket").returncode, 0)
        self.assertNotEqual(run("--check", "pigeon://coop").returncode, 0)

    def test_one_that_hangs_is_not(self):
        server = self.start()
        server.signal(signal.SIGSTOP)
        try:
            self.assertNotEqual(run("--check", server.tcp).returncode, 0)
        finally:
            server.signal(signal.SIGCONT)

    def test_help_teaches(self):
        answer = run("--help")
        self.assertEqual(answer.returncode, 0)
        for word in ("--config", "--listen", "--journal", "--check", "--insecure"):
            self.assertIn(word, answer.stdout)

    def test_what_it_does_not_start_with(self):
        with_port = ("--listen", f"tcp://127.0.0.1:{free_port()}", "--journal", "memory")
        self.assertNotEqual(run("--config", "/nonexistent.yaml", *with_port).returncode, 0)
        self.assertNotEqual(run("--config", str(MINIMAL), "--nonsense").returncode, 0)
        self.assertNotEqual(run("--config", str(MINIMAL), "--listen", with_port[1], "--journal", "paper:pad").returncode, 0)

    def test_a_port_that_is_taken(self):
        server = self.start()
        answer = run("--config", str(MINIMAL), "--listen", server.tcp, "--journal", "memory")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn(str(server.port), answer.stdout)

    def test_a_journal_that_is_taken(self):
        server = self.start(journal="file")
        answer = run("--config", str(MINIMAL), "--listen", f"tcp://127.0.0.1:{free_port()}", "--journal", server.journal)
        self.assertNotEqual(answer.returncode, 0)

    def test_every_error_of_a_configuration_in_one_go(self):
        server = self.start()
        bad = server.folder / "bad.yaml"
        bad.write_text(MINIMAL.read_text().replace("answer: 20s", "answer: 20").replace("order: fifo", "ordre: fifo"))
        answer = run("--config", str(bad), "--listen", f"tcp://127.0.0.1:{free_port()}", "--journal", "memory")
        self.assertNotEqual(answer.returncode, 0)
        lines = bad.read_text().splitlines()
        for wrong in ("answer: 20}", "ordre"):
            number = next(i for i, line in enumerate(lines, start=1) if wrong in line)
            self.assertIn(f"bad.yaml:{number}:", answer.stdout)
        self.assertIn("order", answer.stdout, "the nearest known word")

    def test_without_authentication_it_stays_at_home(self):
        port = free_port()
        public = ("--config", str(MINIMAL), "--journal", "memory", "--listen", f"tcp://0.0.0.0:{port}")
        answer = run(*public)
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("insecure", answer.stdout)
        # With --insecure it does as told; the address is one that nobody outside this machine can reach.
        server = self.start(options=("--insecure", "--listen", f"tcp://127.0.0.2:{port}"))
        self.assertEqual(run("--check", f"tcp://127.0.0.2:{port}").returncode, 0)
        self.assertEqual(server.stop(), 0)

    def test_logs_have_no_personal_data(self):
        server = self.start(journal="file")
        with Client(server, "connector", name="shop") as shop:
            shop.call("contact.submit", id="k1", channel="chat", text="my-secret-text", subject="my-secret-subject",
                      customer={"id": "my-secret-customer", "attributes": {"phone": "my-secret-phone"}})
            shop.refusal("contact.submit", id="k2", channel="my-secret-channel")
            shop.send_bytes(b"my-secret-bytes")
            shop.wait_closed()
        server.signal(signal.SIGHUP)
        until(lambda: server.log(), "a line in the log")
        self.assertEqual(server.stop(), 0)
        self.assertNotIn("my-secret", server.log())
        self.assertTrue(os.path.getsize(server.log_path))


if __name__ == "__main__":
    main()
