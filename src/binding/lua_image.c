/* lua_image.c: pictures, seen from Lua. lua/lander/image.lua makes lander.image of it. */
#include "binding.h"

/* A number of rows or columns; 0: as they are. The core tells what is none. */
static int pixels_at(lua_State *L, int index) {
  lua_Integer n = luaL_optinteger(L, index, 0);
  return n < 0 || n > 1 << 20 ? -1 : (int)n;
}

/* core.image_load(path, channels, rows, columns) -> tensor | nil, message */
static int image_load(lua_State *L) {
  lander_error error;
  const char *path = luaL_checkstring(L, 1);
  lua_Integer channels = luaL_checkinteger(L, 2);
  int wanted = channels < 0 || channels > 3 ? -1 : (int)channels;
  int rows = pixels_at(L, 3), columns = pixels_at(L, 4);
  lander_tensor *t =
      lander_image_load_sized(binding_engine(L), path, wanted, rows, columns, &error);
  if (t) {
    binding_push_tensor(L, t, &error);
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, error.message);
  return 2;
}

/* core.image_save(t, path, low, high) */
static int image_save(lua_State *L) {
  lander_error error;
  lander_tensor *t = binding_check_tensor(L, 1);
  const char *path = luaL_checkstring(L, 2);
  double low = luaL_checknumber(L, 3), high = luaL_checknumber(L, 4);
  binding_check(L, lander_image_save(t, path, low, high, &error), &error);
  return 0;
}

typedef struct png_box {
  lander_engine *engine;
  unsigned char *png;
} png_box;

static int png_gc(lua_State *L) {
  png_box *box = lua_touserdata(L, 1);
  if (box->png) lander_image_free(box->engine, box->png);
  box->png = NULL;
  return 0;
}

/* core.image_encode(t, low, high) -> the bytes of a PNG file */
static int image_encode(lua_State *L) {
  lander_error error;
  lander_tensor *t = binding_check_tensor(L, 1);
  double low = luaL_checknumber(L, 2), high = luaL_checknumber(L, 3);
  /* The box comes first, so that nothing is lost when there is no memory for the text. */
  png_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = (png_box){binding_engine(L), NULL};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, png_gc);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  size_t size;
  binding_check(L, lander_image_encode(t, low, high, &box->png, &size, &error), &error);
  lua_pushlstring(L, (const char *)box->png, size);
  lander_image_free(box->engine, box->png);
  box->png = NULL;
  return 1;
}

void binding_open_image(lua_State *L) {
  static const luaL_Reg functions[] = {{"image_load", image_load},
                                       {"image_save", image_save},
                                       {"image_encode", image_encode},
                                       {NULL, NULL}};
  lua_getfield(L, -1, "core");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
