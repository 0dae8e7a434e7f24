"""Machines' doors: the gateway's questions, and partners' own."""
