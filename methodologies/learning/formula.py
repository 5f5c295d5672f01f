"""低碳知识学习 Low-carbon learning. Engagement only: there is nothing to compute."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, no_reduction


@formula
def engagement(activity: Activity, parameter: Parameters) -> Outcome:
    """ER ≡ 0: reading and quizzes earn points, never grams [WH-STAR, ZZ-YX]."""
    return no_reduction()
