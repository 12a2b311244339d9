"""How people are reached: one module a kind of channel, all behind `connectors.notify.port.Channel`."""
