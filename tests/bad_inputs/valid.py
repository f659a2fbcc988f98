"""One good value of everything, for bad ones to replace."""

import numpy as np

import linvariance as lv

RNG = np.random.default_rng(0)
X, Y, W, S = RNG.standard_normal((8, 4)), RNG.standard_normal((8, 3)), RNG.standard_normal((3, 4)), np.eye(4)
WEIGHTS, LABELS = np.ones(8), RNG.integers(0, 3, 8)
MOMENTS, REP = lv.Moments.from_data(X, Y), lv.groups.cyclic(4)
PROBLEM = lv.augmented(MOMENTS, REP, rank=2)
HARD = lv.hard_wired(MOMENTS, REP, rank=1)
LAYERS = [RNG.standard_normal((2, 4)), RNG.standard_normal((3, 2))]
NETWORK = lv.Network(LAYERS)
TURN = np.array([[0.6, -0.8], [0.8, 0.6]])
SIGNED = lv.groups.hypercube(4)
DENSE = lv.groups.matrices([TURN])
SKEWED = lv.groups.change_of_basis(DENSE, [[1.0, 0.5], [0.0, 1.0]])
SQUARE, TARGETS = np.ones((8, 2)), lv.Moments.from_data(RNG.standard_normal((8, 2)), RNG.standard_normal((8, 2)))
CLASSES = np.array([0, 1, 2, 0, 1, 2, 0, 1])
SAMPLES = lv.Samples(X, CLASSES, "cross_entropy")
ON_SAMPLES = lv.augmented(SAMPLES, REP, rank=2)
CONVOLUTION = lv.convolutional(SAMPLES, REP, rank=2)
TIMES = np.array([0.0, 0.1, 0.2])
FLOW = lv.dynamics.gradient_flow(PROBLEM, NETWORK, TIMES)
FLAT = np.ones(NETWORK.flat.size)
WALK = lv.groups.random_walk(REP, 2)
