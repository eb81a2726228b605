"""An engine in a process of its own: ``client`` is the Backend, ``worker`` the other side of the pipe."""
