"""Front pages, which hold many articles and are none."""

import re

from lxml import etree, html

from builder.corpus.readers.pages.addresses import is_front_address

OWN_ADDRESSES = etree.XPath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content")

PUBLISHED = etree.XPath(
    "//meta[@property='article:published_time' or (@property='og:type' and @content='article')]"
    " | //*[@itemprop='articleBody' or @itemprop='datePublished']"
)

LINKED_DATA = etree.XPath("//script[contains(@type, 'ld+json')]/text()")

ARTICLE_TYPE = re.compile(r'"@type"\s*:\s*\[?\s*"\w*(?:Article|Posting|Report)"')


def is_front_page(tree: html.HtmlElement, fetched_url: str | None) -> bool:
    """Return whether a page is the front page of a site, by the address that was fetched, else by its own addresses.

    Some articles give the front page as their address, so these count only where nothing marks the page as an article.
    """
    if fetched_url:
        return is_front_address(fetched_url)
    addresses = OWN_ADDRESSES(tree)
    return bool(addresses) and all(map(is_front_address, addresses)) and not _marked_as_article(tree)


def _marked_as_article(tree: html.HtmlElement) -> bool:
    """Return whether a page says in its metadata that it is an article."""
    return bool(PUBLISHED(tree)) or any(ARTICLE_TYPE.search(text) for text in LINKED_DATA(tree))
