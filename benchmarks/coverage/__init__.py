"""Does what is called an interval, a level or a certificate keep its word? Simulations where the truth is known."""
