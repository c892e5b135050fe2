"""Sharing integers so that every share can be checked: wrong ones are noticed, and by whom they came."""
