"""Systems of other papers, their weights named as their authors name them."""
