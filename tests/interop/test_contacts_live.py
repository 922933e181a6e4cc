"""lyceumctl makes contacts while both are logged in: they see each other at once."""
from clients import WebSocketXmpp


def test_link_while_online(server):
    a, b = WebSocketXmpp(server.http), WebSocketXmpp(server.http)
    assert a.login("student2", resource="a") == "ok"
    assert b.login("student3", resource="b") == "ok"
    for client, name in ((a, "r1"), (b, "r2")):
        client.ws.send(f"<iq xmlns='jabber:client' type='get' id='{name}'>"
                       "<query xmlns='jabber:iq:roster'/></iq>")
        client.until(f"id='{name}'")
    server.ctl("roster", "link", "student2@localhost", "student3@localhost")
    for client, jid, full in ((a, "student3@localhost", "student3@localhost/b"),
                              (b, "student2@localhost", "student2@localhost/a")):
        seen = {"push": False, "presence": False}
        while not all(seen.values()):
            text = client.ws.recv()
            seen["push"] |= "jabber:iq:roster" in text and f"jid='{jid}'" in text
            seen["presence"] |= text.startswith("<presence") and f"from='{full}'" in text
    a.close_socket()
    b.close_socket()
