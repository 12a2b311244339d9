"""Four simulated plants' systems on loopback. The hub never imports this room: they meet on the wire."""
