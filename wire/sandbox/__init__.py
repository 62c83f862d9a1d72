"""Runs JavaScript of strangers in processes that the kernel ends at their time: one engine a run, no files, no network.

A thread cannot be ended from outside, and QuickJS does not look at the clock inside one regular expression; a process can.
"""

from wire.sandbox.pool import Ended, Limits, Overloaded, Sandbox, ScriptError

__all__ = ["Ended", "Limits", "Overloaded", "Sandbox", "ScriptError"]
