"""The sandbox: a programme to try everything with, twins of the outside world, and one command that runs it all."""
