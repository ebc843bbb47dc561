"""Inter-annotator agreement over spans and stances, with confidence intervals."""
