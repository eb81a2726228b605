"""Simulations with a known truth: do the numbers of the comparison mean what they say?"""
