"""A head that learnt from every judged video of some datasets: how it is made, and used."""
