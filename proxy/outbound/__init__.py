"""What leaves besides transfers: questions to services of the company itself, each with a room of its own."""
