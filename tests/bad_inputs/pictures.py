"""Bad axes to draw into."""

import linvariance as lv

from .valid import MOMENTS, NETWORK, PROBLEM, REP, X, Y

DRAWN = {
    "Trace": lv.train(PROBLEM, epochs=1),
    "Solution": lv.solve(PROBLEM),
    "NuclearSolution": lv.nuclear_norm(PROBLEM, 0.1),
    "RegularizationPath": lv.regularization_path(MOMENTS, REP, rank=2),
    "CriticalPoints": lv.critical_points(PROBLEM),
    "SpectralDensity": lv.curvature.spectral_density(lv.hessian(PROBLEM, NETWORK), 10),
    "RankSelection": lv.select_rank(PROBLEM),
    "SymmetrySelection": lv.select_symmetry(MOMENTS, candidates=REP),
    "LearningCurve": lv.learning_curve(X, Y, REP, rank=2, strength=0.1, sizes=[3]),
}
NOT_AXES = {"str": "axes", "number": 1, "list": [], "the class": lv.Trace}

SCALARS = {(f"{name}.plot", "ax"): (result.plot, NOT_AXES) for name, result in DRAWN.items()}
