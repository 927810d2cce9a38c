/* parse.c: the text of a net, a line at a time.
 *
 *     line   = name "=" type [ "(" [ input { "," input } ] ")" ] options
 *            | "param" name options
 *     input  = name [ ":" number ]
 *     name   = a letter, digit or "_", then these and "." "-" "/"
 *
 * What follows a # is a comment. */
#include <string.h>

#include "net.h"

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

static bool is_name(char c) {
  return is_word(c) || c == '.' || c == '-' || c == '/';
}

static void skip_space(const char **at, const char *end) {
  while (*at < end && is_space(**at)) ++*at;
}

static bool take(const char **at, const char *end, char wanted) {
  skip_space(at, end);
  if (*at == end || **at != wanted) return false;
  ++*at;
  return true;
}

static lander_status take_name(const char **at, const char *end, const char *what,
                               span *name, lander_error *error) {
  skip_space(at, end);
  name->at = *at;
  if (*at < end && is_word(**at))
    while (*at < end && is_name(**at)) ++*at;
  name->length = (size_t)(*at - name->at);
  if (name->length == 0)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "expected %s (letters, digits and _), found '%.*s'", what,
                     (int)(end - *at > 20 ? 20 : end - *at), *at);
  if (name->length >= NET_NAME_MAX)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "%s '%.20s...' has %zu letters, at most %d are allowed", what,
                     name->at, name->length, NET_NAME_MAX - 1);
  return LANDER_OK;
}

/* The number behind "name:", from 1. */
static lander_status take_output(const char **at, const char *end, int *output,
                                 lander_error *error) {
  int number = 0;
  skip_space(at, end);
  for (; *at < end && is_digit(**at) && number <= LAYER_MAX_OUTPUTS; ++*at)
    number = number * 10 + (**at - '0');
  if (number < 1 || number > LAYER_MAX_OUTPUTS)
    return error_set(error, LANDER_ERROR_ARGUMENT,
                     "the number of an output must be from 1 to %d", LAYER_MAX_OUTPUTS);
  *output = number - 1;
  return LANDER_OK;
}

static lander_status take_inputs(const char **at, const char *end, parsed_line *line,
                                 lander_error *error) {
  if (!take(at, end, '(') || take(at, end, ')')) return LANDER_OK;
  do {
    if (line->inputs == LAYER_MAX_INPUTS)
      return error_set(error, LANDER_ERROR_ARGUMENT, "more than %d inputs",
                       LAYER_MAX_INPUTS);
    int i = line->inputs++;
    lander_status status = take_name(at, end, "an input", &line->input[i], error);
    if (status == LANDER_OK && take(at, end, ':'))
      status = take_output(at, end, &line->input_output[i], error);
    if (status != LANDER_OK) return status;
  } while (take(at, end, ','));
  if (!take(at, end, ')'))
    return error_set(error, LANDER_ERROR_ARGUMENT, "the inputs are not closed by ')'");
  return LANDER_OK;
}

static lander_status parse_line(const char *at, const char *end, parsed_line *line,
                                lander_error *error) {
  lander_status status = take_name(&at, end, "a layer's name", &line->name, error);
  if (status != LANDER_OK) return status;
  if (take(&at, end, '=')) {
    status = take_name(&at, end, "a layer's type", &line->type, error);
    if (status == LANDER_OK) status = take_inputs(&at, end, line, error);
  } else if (line->name.length == 5 && !memcmp(line->name.at, "param", 5)) {
    line->is_param = true;
    status = take_name(&at, end, "a parameter's name", &line->name, error);
  } else {
    status = error_set(error, LANDER_ERROR_ARGUMENT, "expected '=' after '%.*s'",
                       (int)line->name.length, line->name.at);
  }
  skip_space(&at, end);
  line->options = (span){at, (size_t)(end - at)};
  return status;
}

lander_status parse_next(const char **lines, int *number, parsed_line *line, bool *found,
                         lander_error *error) {
  *found = false;
  while (**lines && !*found) {
    const char *at = *lines, *end = at + strcspn(at, "\n");
    *lines = *end ? end + 1 : end;
    ++*number;
    const char *comment = memchr(at, '#', (size_t)(end - at));
    if (comment) end = comment;
    while (end > at && is_space(end[-1])) end--;
    skip_space(&at, end);
    if (at == end) continue;
    *found = true;
    memset(line, 0, sizeof *line);
    lander_status status = parse_line(at, end, line, error);
    if (status != LANDER_OK) {
      error_prefix(error, "line %d", *number);
      return status;
    }
  }
  return LANDER_OK;
}
