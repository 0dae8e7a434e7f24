"""Machines' doors to the desk."""
