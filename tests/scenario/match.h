/* Compares a received stanza with the pattern of a script. */
#ifndef LY_TESTS_SCENARIO_MATCH_H
#define LY_TESTS_SCENARIO_MATCH_H

#include "signaling/xml/xml.h"

/** True if @p got is what @p want asks for: the same name and namespace; each attribute of want
 * (value
 *  '*': any, '!': absent); its text, if it has one ('*': any); its children, in that order, between
 *  others. A child with the attribute absent='yes' must not be there. @p why gets static words. */
bool match(const struct ly_xml *want, const struct ly_xml *got, const char **why);

#endif
