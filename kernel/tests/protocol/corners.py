"""The rarer corners of the messaging protocol, against one kernel: each case says in its name what must hold."""

import os
import stat
import unittest

import zmq
from jupyter_client import KernelManager
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.session import Session

LONG = 120


class Corners(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = KernelManager(kernel_name="rust")
        cls.manager.start_kernel()
        cls.client = cls.manager.client()
        cls.client.start_channels()
        cls.client.wait_for_ready(timeout=LONG)
        # The answer came when a cell could run: none of the start is counted against this one.
        cls.first = cls.client.execute_interactive("1;", timeout=20)

    @classmethod
    def tearDownClass(cls):
        cls.client.stop_channels()
        cls.manager.shutdown_kernel(now=True)

    def ask(self, kind, content, channel="shell", replied=True):
        """The reply, and what was published between busy and idle."""
        client = self.client
        message = client.session.msg(kind, content)
        getattr(client, channel + "_channel").send(message)
        return self.result(message["header"]["msg_id"], channel, replied)

    def result(self, asked, channel="shell", replied=True):
        client, reply, published = self.client, None, []
        while replied and reply is None:
            said = getattr(client, "get_%s_msg" % channel)(timeout=LONG)
            if said["parent_header"].get("msg_id") == asked:
                reply = said
        while not published or published[-1] != ("status", "idle"):
            said = client.get_iopub_msg(timeout=LONG)
            if said["parent_header"].get("msg_id") == asked:
                kind, content = said["msg_type"], said["content"]
                published.append((kind, content["execution_state"] if kind == "status" else content))
        self.assertEqual(published[0], ("status", "busy"))
        return reply, [one for one in published[1:-1] if one != ("status", "busy")]

    def lives(self):
        reply = self.client.execute_interactive("assert_eq!(6 * 7, 42);", timeout=LONG)
        self.assertEqual(reply["content"]["status"], "ok")

    def test_a_cell_is_numbered_and_shown_without_being_stored(self):
        self.assertEqual(self.first["content"]["status"], "ok")
        reply, _ = self.ask("execute_request", {"code": "2;"})
        number = reply["content"]["execution_count"]
        code = 'println!("seen");\npanic!("oh");'
        reply, published = self.ask("execute_request", {"code": code, "store_history": False})
        self.assertEqual(published[0], ("execute_input", {"code": code, "execution_count": number + 1}))
        self.assertEqual([kind for kind, _ in published], ["execute_input", "stream", "error"])
        self.assertIn("cell [%d], line 2" % (number + 1), "\n".join(reply["content"]["traceback"]))
        reply, _ = self.ask("execute_request", {"code": "3;"})
        self.assertEqual(reply["content"]["execution_count"], number + 1)
        history, _ = self.ask("history_request", {"hist_access_type": "tail", "n": 2})
        self.assertEqual([entry[2] for entry in history["content"]["history"]], ["2;", "3;"])

    def test_an_order_to_stop_that_overtakes_its_cell_stops_it_and_no_later_one(self):
        client = self.client
        late = client.session.msg("execute_request", {"code": "loop {}"})
        interrupt = client.session.msg("interrupt_request", {})
        client.control_channel.send(interrupt)
        client.get_control_msg(timeout=LONG)
        client.shell_channel.send(late)
        reply, published = self.result(late["header"]["msg_id"])
        self.assertEqual(reply["content"]["status"], "error")
        self.assertIn("before it began", reply["content"]["evalue"])
        self.lives()

    def test_a_silent_cell_shows_nothing(self):
        for code, status in [('println!("x"); 5', "ok"), ('panic!("oh");', "error"), ("nothing", "error")]:
            reply, published = self.ask("execute_request", {"code": code, "silent": True})
            self.assertEqual((reply["content"]["status"], published), (status, []), code)

    def test_expressions_are_answered_one_by_one(self):
        for code in ["", "1;"]:
            reply, _ = self.ask("execute_request", {"code": code, "user_expressions": {"a": "1", "b": "2"}})
            answers = reply["content"]["user_expressions"]
            self.assertEqual({name: answer["status"] for name, answer in answers.items()}, {"a": "error", "b": "error"})

    def test_fields_that_are_missing_or_wrong_are_an_error(self):
        for kind, content in [
            ("execute_request", {}),
            ("execute_request", {"code": 7}),
            ("execute_request", {"code": "1;", "silent": "no"}),
            ("complete_request", {"code": None, "cursor_pos": 0}),
            ("inspect_request", {"code": "v", "detail_level": "all"}),
            ("is_complete_request", {"code": []}),
        ]:
            reply, _ = self.ask(kind, content)
            self.assertEqual(reply["msg_type"], kind.replace("request", "reply"))
            self.assertEqual(reply["content"]["status"], "error", (kind, content))
            self.assertIn("field", reply["content"]["evalue"])
        reply, _ = self.ask("complete_request", {"code": "std::vec::Ve"})
        self.assertEqual(reply["content"]["status"], "ok")

    def test_unknown_messages_are_answered(self):
        for channel in ["shell", "control"]:
            for kind in ["debug_request", "create_subshell_request", "no_such_request"]:
                reply, published = self.ask(kind, {}, channel)
                self.assertEqual((reply["content"]["status"], published), ("error", []))
            self.ask("no_such_message", {}, channel, replied=False)
        reply, _ = self.ask("execute_request", {"code": "1;"}, "control")
        self.assertEqual(reply["content"]["status"], "error")
        for kind in ["kernel_info_request", "comm_info_request", "connect_request", "history_request"]:
            reply, _ = self.ask(kind, {}, "control")
            self.assertEqual(reply["content"]["status"], "ok")

    def test_what_the_kernel_says_of_itself(self):
        info = self.ask("kernel_info_request", {})[0]["content"]
        self.assertEqual(info["supported_features"], [])
        self.assertEqual(info["language_info"]["nbconvert_exporter"], "script")

    def test_comms_are_closed_and_not_answered(self):
        for channel in ["shell", "control"]:
            _, published = self.ask("comm_open", {"comm_id": "c", "target_name": "t", "data": {}}, channel, replied=False)
            self.assertEqual(published, [("comm_close", {"comm_id": "c", "data": {}})])
            for kind in ["comm_msg", "comm_close"]:
                _, published = self.ask(kind, {"comm_id": "c", "data": {}}, channel, replied=False)
                self.assertEqual(published, [])
        with self.assertRaises(Exception):
            self.client.get_shell_msg(timeout=0.1)

    def test_half_a_surrogate_pair_hangs_nothing(self):
        session = self.client.session
        for half in [b"\\ud800", b"\\udc00", b"\xed\xa0\x80"]:
            pack = session.pack
            session.pack = lambda value: pack(value).replace(b"HALF", half)
            try:
                message = session.msg("execute_request", {"code": 'println!("aHALFb");'})
                session.send(self.client.shell_channel.socket, message)
            finally:
                session.pack = pack
            reply, published = self.result(message["header"]["msg_id"])
            self.assertEqual(reply["content"]["status"], "ok")
            said = "".join(content["text"] for kind, content in published if kind == "stream")
            self.assertTrue(said.startswith("a\ufffd") and said.endswith("b\n"), said)
        _, published = self.ask("execute_request", {"code": 'println!("😀\u200d\u0301");'})
        self.assertIn(("stream", {"name": "stdout", "text": "😀\u200d\u0301\n"}), published)

    def dealer(self, session, port="shell_port"):
        socket = zmq.Context.instance().socket(zmq.DEALER)
        socket.identity = session.bsession
        socket.linger = 0
        socket.connect("tcp://127.0.0.1:%d" % self.manager.get_connection_info()[port])
        return socket

    def test_the_same_identity_and_the_same_message_twice(self):
        session = Session(key=self.client.session.key)
        message = session.msg("kernel_info_request", {})
        first = self.dealer(session)
        session.send(first, message)
        self.assertTrue(first.poll(LONG * 1000))
        first.close()
        # As a page does that connects anew; its old connection may or may not be gone.
        second = self.dealer(session)
        for _ in range(2):
            session.send(second, message)
            self.assertTrue(second.poll(LONG * 1000))
            _, parts = session.feed_identities(second.recv_multipart())
            # A signature must not be the same twice to this reader; the content is what counts.
            session.digest_history.clear()
            reply = session.deserialize(parts)
            self.assertEqual(reply["parent_header"]["msg_id"], message["header"]["msg_id"])
        second.close()

    def test_a_client_that_leaves_in_the_middle(self):
        session = Session(key=self.client.session.key)
        gone = self.dealer(session)
        message = session.msg("execute_request", {"code": "std::thread::sleep(std::time::Duration::from_millis(300));"})
        session.send(gone, message)
        while True:
            said = self.client.get_iopub_msg(timeout=LONG)
            if said["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                break
        gone.close()
        self.lives()

    def test_what_is_not_signed_is_dropped(self):
        session = Session(key=b"another")
        stranger = self.dealer(session)
        session.send(stranger, session.msg("shutdown_request", {"restart": False}))
        self.lives()
        self.assertFalse(stranger.poll(0))
        stranger.close()

    def test_heartbeats_of_several_clients(self):
        beats = []
        for number in range(3):
            socket = zmq.Context.instance().socket(zmq.REQ)
            socket.linger = 0
            socket.connect("tcp://127.0.0.1:%d" % self.manager.get_connection_info()["hb_port"])
            socket.send(b"beat %d" % number)
            beats.append(socket)
        beats.pop(0).close()  # without hearing its answer
        for number, socket in enumerate(beats, 1):
            self.assertTrue(socket.poll(LONG * 1000))
            self.assertEqual(socket.recv(), b"beat %d" % number)
            socket.close()


class Ipc(unittest.TestCase):
    def test_a_kernel_on_sockets_in_the_file_system_without_signatures(self):
        manager = KernelManager(kernel_name="rust", transport="ipc")
        manager.session.key = b""
        manager.start_kernel()
        client = manager.client()
        client.session.key = b""
        client.start_channels()
        try:
            client.wait_for_ready(timeout=LONG)
            path = "%s-%d" % (manager.ip, manager.shell_port)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            reply = client.execute_interactive("1;", timeout=LONG)
            self.assertEqual(reply["content"]["status"], "ok")
            # It may be asked to end on the shell port, too.
            message = client.session.msg("shutdown_request", {"restart": False})
            client.shell_channel.send(message)
            while client.get_shell_msg(timeout=LONG)["msg_type"] != "shutdown_reply":
                pass
            manager.provisioner.process.wait(LONG)
            self.assertFalse(os.path.exists(path))
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
