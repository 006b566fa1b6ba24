"""Things called after somebody, names among things, and the same words where they are somebody."""

import pytest

NOBODY = [
    "Fill the Erlenmeyer flask, then light the Bunsen burner.",
    "She ordered eggs Benedict and a Granny Smith.",
    "The Wilson plum and a Murphy bed are here.",
    "Hashimoto's thyroiditis and a Baker's cyst were ruled out.",
    "Cohen's kappa was fine.",
    "An Allen key is missing, the Hudson freezes.",
    "The lemma of Borel, Cantelli and Chebyshev, then Chernoff and Fubini.",
    "Hier hilft Bellman-Ford, dort Kruskal-Wallis.",
    "Die Leibniz-Kekse sind alle, die Baker-Zyste ist harmlos.",
    "Dấu Babinski âm tính, thang Glasgow mười lăm.",
    "Giải Cánh Diều và giải Mai Vàng công bố tháng này.",
    "Mua thùng xoài Hòa Lộc, bưởi Năm Roi với chè Khúc Bạch.",
    "Nach 300 ms. Nguyên nhân: quá thời gian",
    "class LedgerError and HostVerdict of dragoman",
    "Der Hampelmann und die Schneemänner bleiben draußen.",
    "Kubernetes, Jenkins and Consul are green, Tarjan too.",
]
SOMEBODY = [
    ("Anna tea is ready.", "Anna"),
    ("Grace Kruskal sent it.", "Grace Kruskal"),
    ("Mr Bunsen called.", "Bunsen"),
    ("Frau Leibniz wartet.", "Leibniz"),
    ("Mr Dyson and Herr Siemens called.", "Dyson"),
    ("Ask Herr Siemens about it.", "Siemens"),
    ("Die Anna-Gruppe trifft sich bei Anna.", "Anna"),
    ("Jenkins, Grafana and Kafka are up, ask Lindqvist about Redis.", "Lindqvist"),
    ("Bitte gib Heidrun Zugriff auf GitHub, Sentry und Datadog.", "Heidrun"),
    ("Our neighbour Fairweather grows dahlias, Bramleys and a Peace rose.", "Fairweather"),
    ("Con Kevin nhà chị Loan thích Lego, Roblox với Minecraft.", "Loan"),
    ("Zwingmanns Rechnung ist offen, Ohlenschläger zahlt nicht.", "Zwingmann"),
    ("Die Unterlagen an die Kretzschmann in der Personalabteilung.", "Kretzschmann"),
    ("Bitte an Anna Sonnenschein.", "Anna Sonnenschein"),
    ("hẹn 8 giờ, chiếc Tesla của ông Lâm", "Lâm"),
]


@pytest.mark.parametrize("text", NOBODY)
def test_nobody_is_named(look, text):
    assert [found for found in look(text)[1] if found[0] in ("PERSON", "LOCATION")] == []


@pytest.mark.parametrize(("text", "name"), SOMEBODY)
def test_the_same_words_may_be_somebody(look, text, name):
    assert any(name in found[1] for found in look(text)[1] if found[0] == "PERSON")
