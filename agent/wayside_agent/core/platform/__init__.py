"""What an RSU and a centre of T/ITS 0117 say to each other: subjects, topics, messages, and who has heard what."""
