"""The experiments of the paper, re-run: one protocol, one training, one file per kind of figure, one command line.

Source: H. Duan, G. Montúfar, *Understanding Learning Invariance in Deep Linear Networks*, PMLR 325:1-45 (2025).
"""
