"""Names of members as office programs give them; any other name is a text of somebody."""

import re

_FOLDERS = frozenset(
    """.. _rels word xl ppt docprops customxml media theme worksheets charts chartsheets drawings embeddings fonts
    glossary tables pivottables pivotcache printersettings externallinks querytables richdata threadedcomments persons
    activex ctrlprops diagrams macrosheets dialogsheets model webextensions slides slidelayouts slidemasters notesslides
    notesmasters handoutmasters comments tags""".split()  # noqa: SIM905 (a list to read)
)
_FILES = re.compile(
    r"(?:_rels/)?(?:\[content_types\]|document|header|footer|styles?|stylesWithEffects|settings|websettings|fonttable|"
    r"numbering|footnotes|endnotes|comments|commentsExtended|commentsIds|commentsExtensible|people|theme|core|app|custom|"
    r"item|itemProps|workbook|sheet|sharedStrings|calcChain|image|chart|chartsheet|drawing|vmlDrawing|table|pivotTable|"
    r"pivotCacheDefinition|pivotCacheRecords|colors|printerSettings|oleObject|thumbnail|metadata|person|threadedComment|"
    r"externalLink|queryTable|connections|volatileDependencies|rdrichvalue|font|data|layout|quickStyle|glossary|vbaProject|"
    r"presentation|presProps|viewProps|tableStyles|slide|slideLayout|slideMaster|notesSlide|notesMaster|handoutMaster|"
    r"comment|commentAuthors|authors|modernComment_[0-9A-F]{1,8}_[0-9A-F]{1,8}|tag|"
    r"vbaData|microsoft_(?:excel|word)_(?:worksheet|document)|activeX|ctrlProp|tableSingleCells|xmlMaps|revisionHeaders)?"
    r"[0-9]{0,4}(?:\.[a-z]{2,8}){0,2}",
    re.IGNORECASE,
)


def named_by_program(name: str) -> bool:
    """Whether nobody chose this name of a member, or this reference to one (`../media/image1.png`)."""
    *folders, file = name.split("/")
    known = all(not folder or folder.lower() in _FOLDERS for folder in folders)
    return known and _FILES.fullmatch(file) is not None
