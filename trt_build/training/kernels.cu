// Drawing kernels with one source and two builds: NVRTC for a GPU, and any C++ compiler, where each
// kernel becomes a plain loop, for tests and previews. Arrays are dense, row-major, float32 or int32.
// Camera frame: x right, y down, z forward. Samples are the pixels of the supersampled picture.

#ifdef __CUDACC__
#define DEVICE static __device__ __forceinline__
#define KERNEL(name, parameters, call)                                          \
    extern "C" __global__ void name parameters {                                \
        long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;         \
        if (i < count) call;                                                    \
    }
DEVICE void store_nearest(unsigned long long* place, unsigned long long value) { atomicMin(place, value); }
DEVICE unsigned int bits_of(float value) { return __float_as_uint(value); }
#else
#include <cmath>
#include <cstring>
#define DEVICE static inline
#define KERNEL(name, parameters, call)                                          \
    extern "C" void name parameters {                                           \
        for (long long i = 0; i < count; ++i) call;                             \
    }
DEVICE void store_nearest(unsigned long long* place, unsigned long long value) {
    if (value < *place) *place = value;
}
DEVICE unsigned int bits_of(float value) {
    unsigned int bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}
#endif

typedef long long Index;
typedef unsigned long long Key;

struct Vec {
    float x, y, z;
};

DEVICE Vec load(const float* p) { return {p[0], p[1], p[2]}; }
DEVICE Vec add(Vec a, Vec b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
DEVICE Vec scale(Vec a, float s) { return {a.x * s, a.y * s, a.z * s}; }
DEVICE Vec times(Vec a, Vec b) { return {a.x * b.x, a.y * b.y, a.z * b.z}; }
DEVICE float dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
DEVICE Vec unit(Vec a) { return scale(a, 1.f / sqrtf(dot(a, a) + 1e-12f)); }
DEVICE Vec mix(Vec a, Vec b, float t) { return add(scale(a, 1.f - t), scale(b, t)); }
DEVICE float clamp(float v, float low, float high) { return fminf(fmaxf(v, low), high); }
DEVICE float fraction(float v) { return v - floorf(v); }

// ---- noise -----------------------------------------------------------------------------------------

DEVICE float hashed(int x, int y, int z) {
    unsigned int h = (unsigned)x * 0x8da6b343u ^ (unsigned)y * 0xd8163841u ^ (unsigned)z * 0xcb1ab31fu;
    h = (h ^ (h >> 15)) * 0x2c1b3c6du;
    h = (h ^ (h >> 12)) * 0x297a2d39u;
    return (float)((h ^ (h >> 15)) & 0xffffffu) / 16777216.f;
}

DEVICE float value_noise(float x, float y, float z) {
    float fx = floorf(x), fy = floorf(y), fz = floorf(z);
    int ix = (int)fx, iy = (int)fy, iz = (int)fz;
    float u = x - fx, v = y - fy, w = z - fz, total = 0.f;
    u = u * u * (3.f - 2.f * u);
    v = v * v * (3.f - 2.f * v);
    w = w * w * (3.f - 2.f * w);
    for (int k = 0; k < 8; ++k) {
        int a = k & 1, b = (k >> 1) & 1, c = k >> 2;
        total += (a ? u : 1.f - u) * (b ? v : 1.f - v) * (c ? w : 1.f - w) * hashed(ix + a, iy + b, iz + c);
    }
    return total;
}

// Octaves of noise, 0..1; `gain` is the share of each octave in the one before, `finest` the highest
// frequency (cycles per unit) that the pixel can still show.
DEVICE float octaves(float x, float y, float seed, float gain, float finest) {
    float total = 0.f, weight = 1.f, sum = 0.f, frequency = 1.f;
    for (int k = 0; k < 6; ++k) {
        if (k == 0 || frequency < finest) total += weight * value_noise(x * frequency, y * frequency, seed + 7.3f * k);
        else total += weight * 0.5f;
        sum += weight;
        weight *= gain;
        frequency *= 2.03f;
    }
    return total / sum;
}

// ---- skinning --------------------------------------------------------------------------------------

// One vertex of one body: pushed out along its rest normal (clothes, hair, shoes), then blended bones.
// rest, normals [S, V, 3]; bones [I, B, 12] rows of rotation and translation; push [I, P].
DEVICE void skin_vertex(Index i, const float* rest, const float* normals, const int* shape_of, const int* skin_index,
                        const float* skin_weight, const int* vertex_part, const float* push, const float* bones,
                        float* out_vertices, float* out_normals, Index vertices, Index bone_count, Index parts) {
    Index body = i / vertices, vertex = i % vertices;
    Index source = ((Index)shape_of[body] * vertices + vertex) * 3;
    Vec n = load(normals + source);
    Vec p = add(load(rest + source), scale(n, push[body * parts + vertex_part[vertex]]));
    Vec place = {0.f, 0.f, 0.f}, turned = {0.f, 0.f, 0.f};
    for (int k = 0; k < 4; ++k) {
        float w = skin_weight[vertex * 4 + k];
        const float* m = bones + (body * bone_count + skin_index[vertex * 4 + k]) * 12;
        place = add(place, scale({dot(load(m), p) + m[3], dot(load(m + 4), p) + m[7], dot(load(m + 8), p) + m[11]}, w));
        turned = add(turned, scale({dot(load(m), n), dot(load(m + 4), n), dot(load(m + 8), n)}, w));
    }
    turned = unit(turned);
    float* v = out_vertices + i * 3;
    float* t = out_normals + i * 3;
    v[0] = place.x, v[1] = place.y, v[2] = place.z;
    t[0] = turned.x, t[1] = turned.y, t[2] = turned.z;
}

KERNEL(skin,
       (const float* rest, const float* normals, const int* shape_of, const int* skin_index, const float* skin_weight,
        const int* vertex_part, const float* push, const float* bones, float* out_vertices, float* out_normals,
        Index vertices, Index bone_count, Index parts, Index count),
       skin_vertex(i, rest, normals, shape_of, skin_index, skin_weight, vertex_part, push, bones, out_vertices,
                   out_normals, vertices, bone_count, parts))

// ---- depth buffer ----------------------------------------------------------------------------------

const int MATERIAL = 16;
const int ENABLED = 13;

struct Corners {
    Vec a, b, c;
    float area;
};

DEVICE Corners corners_of(const float* screen, const int* triangle) {
    Corners t = {load(screen + triangle[0] * 3), load(screen + triangle[1] * 3), load(screen + triangle[2] * 3), 0.f};
    t.area = (t.b.x - t.a.x) * (t.c.y - t.a.y) - (t.b.y - t.a.y) * (t.c.x - t.a.x);
    return t;
}

// Weights of the corners at a point of the screen, linear in screen space.
DEVICE Vec weights_at(Corners t, float x, float y) {
    float u = ((x - t.a.x) * (t.c.y - t.a.y) - (y - t.a.y) * (t.c.x - t.a.x)) / t.area;
    float v = ((t.b.x - t.a.x) * (y - t.a.y) - (t.b.y - t.a.y) * (x - t.a.x)) / t.area;
    return {1.f - u - v, u, v};
}

// Key of a sample: depth in the high half; instance and triangle (16 bits each) in the low half.
// screen [I, V, 3] x y in samples, z in metres; sizes [B, 2] width and height in samples. Each triangle is shared
// out by rows among `stripes` calls, so that a large one does not keep a single thread busy.
DEVICE void raster_triangle(Index i, const float* screen, const int* triangles, const int* parts, const float* materials,
                            const int* image_of, const int* sizes, Key* nearest, Index first, Index vertices,
                            Index triangle_count, Index part_count, Index height, Index width, Index stripes) {
    int stripe = (int)(i % stripes);
    Index body = i / stripes / triangle_count, triangle = i / stripes % triangle_count;
    if (materials[(body * part_count + parts[triangle]) * MATERIAL + ENABLED] == 0.f) return;
    Corners t = corners_of(screen + body * vertices * 3, triangles + triangle * 3);
    if (fminf(t.a.z, fminf(t.b.z, t.c.z)) < 0.05f || fabsf(t.area) < 1e-9f) return;
    const int* size = sizes + image_of[body] * 2;
    int x0 = (int)clamp(ceilf(fminf(t.a.x, fminf(t.b.x, t.c.x)) - .5f), 0.f, (float)size[0]);
    int x1 = (int)clamp(floorf(fmaxf(t.a.x, fmaxf(t.b.x, t.c.x)) - .5f), -1.f, (float)size[0] - 1.f);
    int y0 = (int)clamp(ceilf(fminf(t.a.y, fminf(t.b.y, t.c.y)) - .5f), 0.f, (float)size[1]);
    int y1 = (int)clamp(floorf(fmaxf(t.a.y, fmaxf(t.b.y, t.c.y)) - .5f), -1.f, (float)size[1] - 1.f);
    Key id = (Key)(first + body) << 16 | (Key)triangle;
    Vec inverse = {1.f / t.a.z, 1.f / t.b.z, 1.f / t.c.z};
    for (int y = y0 + stripe; y <= y1; y += (int)stripes)
        for (int x = x0; x <= x1; ++x) {
            Vec w = weights_at(t, x + .5f, y + .5f);
            if (w.x < 0.f || w.y < 0.f || w.z < 0.f) continue;
            float depth = 1.f / dot(w, inverse);
            store_nearest(nearest + ((Index)image_of[body] * height + y) * width + x, (Key)bits_of(depth) << 32 | id);
        }
}

KERNEL(raster,
       (const float* screen, const int* triangles, const int* parts, const float* materials, const int* image_of,
        const int* sizes, Key* nearest, Index first, Index vertices, Index triangle_count, Index part_count,
        Index height, Index width, Index stripes, Index count),
       raster_triangle(i, screen, triangles, parts, materials, image_of, sizes, nearest, first, vertices, triangle_count,
                       part_count, height, width, stripes))

// ---- shading ---------------------------------------------------------------------------------------

// Material: 0-2 colour, 3-5 second colour, 6 pattern, 7 cycles per metre, 8-10 direction, 11 gloss,
// 12 exponent, 13 enabled, 14 mottle, 15 phase.
DEVICE float pattern_share(const float* m, Vec p) {
    int pattern = (int)m[6];
    float f = m[7];
    if (pattern == 1) return fraction(dot(p, load(m + 8)) * f + m[15]) < 0.5f ? 1.f : 0.f;
    if (pattern == 2) return value_noise(p.x * f, p.y * f, p.z * f + m[15]) > 0.55f ? 1.f : 0.f;
    if (pattern == 3) return ((int)floorf(p.x * f + m[15]) + (int)floorf(p.y * f) + (int)floorf(p.z * f)) & 1 ? 1.f : 0.f;
    if (pattern == 4) return value_noise(p.x * f, p.y * f, p.z * f + m[15]);
    if (pattern == 5) return clamp(p.y * m[9] * f * 0.3f + m[15], 0.f, 1.f);
    if (pattern == 6) {
        float x = (p.x - 0.1f * m[8]) / (0.05f + 0.12f * fabsf(m[10])), y = (p.y - 1.2f - 0.15f * m[9]) / 0.08f;
        return x * x + y * y < 1.f ? 1.f : 0.f;
    }
    return 0.f;
}

DEVICE Vec albedo(const float* m, Vec p) {
    Vec colour = mix(load(m), load(m + 3), pattern_share(m, p));
    float mottle = value_noise(p.x * 23.f, p.y * 23.f, p.z * 23.f + m[15]) + value_noise(p.x * 61.f, p.y * 61.f, p.z * 61.f);
    return scale(colour, 1.f + m[14] * (mottle - 1.f));
}

// Light: 0-2 direction, 3-5 colour, 6-8 ambient from above, 9-11 ambient from below, 12-14 up, 15 gain.
const int LIGHT = 16;

DEVICE Vec lit(const float* m, const float* light, Vec colour, Vec n) {
    if (n.z > 0.f) n = scale(n, -1.f);
    Vec towards = load(light);
    float above = 0.5f + 0.5f * dot(n, load(light + 12));
    Vec total = mix(load(light + 9), load(light + 6), above);
    total = add(total, scale(load(light + 3), fmaxf(dot(n, towards), 0.f)));
    Vec halfway = unit(add(towards, {0.f, 0.f, -1.f}));
    float gloss = m[11] * powf(fmaxf(dot(n, halfway), 0.f), m[12]);
    return scale(add(times(colour, total), scale(load(light + 3), gloss)), light[15]);
}

// One pixel: adds the share of this layer's samples (premultiplied colour and coverage) to out [B, 4, h, w].
// rest [R, V, 3] carries the texture; rest_of [I] its row; every [B] takes each n-th sample along x and y.
DEVICE void shade_pixel(Index i, const Key* nearest, const float* screen, const float* normals, const float* rest,
                        const int* rest_of, const int* triangles, const int* parts, const float* materials,
                        const float* lights, const int* every, float* out, Index first, Index bodies, Index vertices,
                        Index part_count, Index height, Index width, Index samples) {
    Index h = height / samples, w = width / samples;
    Index image = i / (h * w), y = i / w % h, x = i % w;
    Vec total = {0.f, 0.f, 0.f};
    float covered = 0.f;
    int step = every[image];
    for (Index sy = 0; sy < samples; sy += step)
        for (Index sx = 0; sx < samples; sx += step) {
            Index row = y * samples + sy, column = x * samples + sx;
            Key key = nearest[(image * height + row) * width + column];
            Index body = (Index)((key & 0xffffffffu) >> 16) - first;
            if (key == ~(Key)0 || body < 0 || body >= bodies) continue;
            const int* triangle = triangles + (key & 0xffffu) * 3;
            Corners t = corners_of(screen + body * vertices * 3, triangle);
            Vec weights = weights_at(t, column + .5f, row + .5f);
            weights = times(weights, {1.f / t.a.z, 1.f / t.b.z, 1.f / t.c.z});
            weights = scale(weights, 1.f / (weights.x + weights.y + weights.z));
            const float* n = normals + body * vertices * 3;
            const float* r = rest + (Index)rest_of[body] * vertices * 3;
            Vec normal = {0.f, 0.f, 0.f}, place = {0.f, 0.f, 0.f};
            float corner_weights[3] = {weights.x, weights.y, weights.z};
            for (int k = 0; k < 3; ++k) {
                normal = add(normal, scale(load(n + triangle[k] * 3), corner_weights[k]));
                place = add(place, scale(load(r + triangle[k] * 3), corner_weights[k]));
            }
            const float* m = materials + (body * part_count + parts[key & 0xffffu]) * MATERIAL;
            total = add(total, lit(m, lights + image * LIGHT, albedo(m, place), unit(normal)));
            covered += 1.f;
        }
    Index taps = (samples + step - 1) / step;
    float share = 1.f / (float)(taps * taps);
    float* pixel = out + image * 4 * h * w + y * w + x;
    pixel[0] += total.x * share;
    pixel[h * w] += total.y * share;
    pixel[2 * h * w] += total.z * share;
    pixel[3 * h * w] += covered * share;
}

KERNEL(shade,
       (const Key* nearest, const float* screen, const float* normals, const float* rest, const int* rest_of,
        const int* triangles, const int* parts, const float* materials, const float* lights, const int* every,
        float* out, Index first, Index bodies, Index vertices, Index part_count, Index height, Index width,
        Index samples, Index count),
       shade_pixel(i, nearest, screen, normals, rest, rest_of, triangles, parts, materials, lights, every, out, first,
                   bodies, vertices, part_count, height, width, samples))

// ---- backdrop --------------------------------------------------------------------------------------

// Any colour, by a hash of three numbers: muted ones more often than vivid ones.
DEVICE Vec hashed_colour(int x, int y, int z) {
    float value = hashed(x, y, z), vivid = hashed(x, y, z + 4);
    Vec tint = {hashed(x, y, z + 1), hashed(x, y, z + 2), hashed(x, y, z + 3)};
    return mix({value * value, value * value, value * value}, tint, vivid);
}

// Spectators in staggered rows, one to a unit cell, v upwards: shoulders, skin, hair; some seats are empty.
DEVICE Vec crowd_colour(float u, float v, Vec seats, int seed) {
    float taken = 0.4f + 0.6f * hashed(1, 2, seed);
    Vec colour = seats;
    for (int row = (int)floorf(v) + 1; row >= (int)floorf(v); --row) {
        float shifted = u + 0.5f * (row & 1);
        int place = (int)floorf(shifted);
        if (hashed(place, row, seed) > taken) continue;
        float size = 0.8f + 0.35f * hashed(place, row, seed + 1);
        float x = (shifted - place - 0.5f - 0.2f * (hashed(place, row, seed + 2) - 0.5f)) / size;
        float y = (v - row) / size, head = y - 0.68f;
        if (x * x / 0.13f + (y - 0.05f) * (y - 0.05f) / 0.25f < 1.f) colour = hashed_colour(place, row, seed + 3);
        if (x * x / 0.022f + head * head / 0.04f < 1.f) {
            float fair = hashed(place, row, seed + 8);
            Vec hair = scale(hashed_colour(place, row, seed + 9), 0.4f);
            colour = head > 0.06f ? hair : mix({0.09f, 0.045f, 0.027f}, {0.78f, 0.52f, 0.4f}, fair);
        }
    }
    return colour;
}

// Dead leaves: patches of all sizes, the smaller over the larger, each in a tone of its own. Pictures made so have
// the statistics of photographs (Lee, Mumford and Huang, 2001).
DEVICE Vec leaves_colour(float u, float v, Vec a, Vec b, int seed, float finest) {
    Vec colour = a;
    float frequency = 0.35f, own = hashed(3, 1, seed);
    for (int level = 0; level < 6 && (level == 0 || frequency < finest); ++level, frequency *= 1.9f) {
        float angle = 6.28f * hashed(level, 5, seed), c = cosf(angle), s = sinf(angle);
        float stretch = expf(1.6f * (hashed(level, 6, seed) - 0.5f));
        float x = (u * c + v * s) * frequency * stretch, y = (v * c - u * s) * frequency / stretch;
        int column = (int)floorf(x), row = (int)floorf(y), best_x = 0, best_y = 0;
        float nearest = 9.f, across = 0.f;
        for (int k = 0; k < 9; ++k) {
            int i = column + k % 3 - 1, j = row + k / 3 - 1, z = seed + 16 * level;
            float dx = x - i - hashed(i, j, z), dy = y - j - hashed(i, j, z + 1), distance = dx * dx + dy * dy;
            if (distance < nearest) nearest = distance, best_x = i, best_y = j, across = dx + dy;
        }
        int z = seed + 16 * level + 2;
        if (level > 0 && hashed(best_x, best_y, z) > 0.45f) continue;
        Vec tone = mix(a, b, hashed(best_x, best_y, z + 1));
        tone = mix(tone, hashed_colour(best_x, best_y, z + 2), own);
        colour = scale(tone, 1.f + 0.5f * across * (hashed(best_x, best_y, z + 8) - 0.5f));
    }
    return colour;
}

// A textured plane at (u, v), v upwards; `finest`: cycles per unit that the pixel can still show.
DEVICE Vec plane_colour(float u, float v, const float* a, const float* b, int pattern, float seed, float gain, float finest) {
    float mottle = octaves(u, v, seed, gain, finest);
    float share = mottle;
    float sharp = clamp(finest - 1.f, 0.f, 1.f);
    float fu = fraction(u), fv = fraction(v);
    if (pattern == 1) share = fminf(fminf(fu, 1.f - fu), fminf(fv, 1.f - fv)) < 0.04f ? 1.f : 0.25f * mottle;
    if (pattern == 2) share = fu < 0.5f ? 1.f : 0.f;
    if (pattern == 3) share = (fu < 0.5f) != (fv < 0.5f) ? 1.f : 0.f;
    if (pattern == 4) {
        float shifted = fraction(u * 0.5f + (((int)floorf(v * 2.f)) & 1) * 0.5f), course = fraction(v * 2.f);
        float joint = fminf(fminf(shifted, 1.f - shifted) * 2.f, fminf(course, 1.f - course));
        share = joint < 0.06f ? 1.f : 0.5f * hashed((int)floorf(u * 0.5f + (((int)floorf(v * 2.f)) & 1) * 0.5f), (int)floorf(v * 2.f), (int)seed);
    }
    if (pattern == 5) share = mottle > 0.5f ? 1.f : 0.f;
    if (pattern == 6) share = fu < 0.12f ? 1.f : 0.3f * hashed((int)floorf(u), 3, (int)seed);
    if (pattern == 7) share = 0.7f * hashed((int)floorf(u), (int)floorf(v), (int)seed);
    share = mix({share, 0.f, 0.f}, {0.5f, 0.f, 0.f}, 1.f - sharp).x;
    Vec colour = mix(load(a), load(b), share);
    if (pattern == 8) colour = mix(colour, crowd_colour(u, v, load(a), (int)seed), sharp);
    if (pattern == 9) colour = leaves_colour(u, v, load(a), load(b), (int)seed, finest);
    return scale(colour, 0.7f + 0.6f * mottle);
}

// Shape: 0 kind (0 none, 1 box, 2 ellipse, 3 band), 1-2 centre, 3-4 half sizes, 5-6 cos sin, 7-9 colour,
// 10 opacity (negative: a shadow), 11 pattern, 12 cycles per pixel, 13 soft edge px, 14 second tone, 15 seed.
const int SHAPE = 16;

DEVICE Vec over_shape(Vec colour, const float* s, float x, float y) {
    if (s[0] == 0.f) return colour;
    float dx = x - s[1], dy = y - s[2];
    float u = dx * s[5] + dy * s[6], v = dy * s[5] - dx * s[6];
    float inside;
    if (s[0] == 1.f) inside = fminf(s[3] - fabsf(u), s[4] - fabsf(v));
    else if (s[0] == 2.f) inside = (1.f - sqrtf(u * u / (s[3] * s[3]) + v * v / (s[4] * s[4]))) * fminf(s[3], s[4]);
    else inside = s[4] - fabsf(v);
    float alpha = clamp(inside / s[13] + 0.5f, 0.f, 1.f) * fabsf(s[10]);
    if (alpha <= 0.f) return colour;
    if (s[10] < 0.f) return scale(colour, 1.f - alpha);
    float second[3] = {s[7] * s[14], s[8] * s[14], s[9] * s[14]};
    return mix(colour, plane_colour(u * s[12], -v * s[12], s + 7, second, (int)s[11], s[15], 0.6f, 0.5f / s[12]), alpha);
}

// View: 0 focal px, 1-2 principal point, 3-11 world to camera, 12 camera height m, 13 ground there,
// 14 seed, 15 wall (else sky), 16-18, 19-21 wall or sky colours, 22 wall cycles, 23 wall pattern,
// 24-26, 27-29 ground colours, 30 ground pattern, 31 ground cycles per m, 32 haze per m, 33 octave gain,
// 34-36 sun direction (camera), 37 sun strength, 38 sun sharpness, 39 horizon wobble.
const int VIEW = 40;

DEVICE void paint_pixel(Index i, const float* views, const float* shapes, float* out, Index shape_count, Index h, Index w) {
    Index image = i / (h * w), row = i / w % h, column = i % w;
    const float* view = views + image * VIEW;
    float x = column + .5f, y = row + .5f;
    Vec ray = unit({(x - view[1]) / view[0], (y - view[2]) / view[0], 1.f});
    const float* r = view + 3;
    Vec world = {r[0] * ray.x + r[3] * ray.y + r[6] * ray.z, r[1] * ray.x + r[4] * ray.y + r[7] * ray.z,
                 r[2] * ray.x + r[5] * ray.y + r[8] * ray.z};
    float seed = view[14];
    Vec colour;
    float skyline = view[39] * (octaves(world.x * 6.f, 0.f, seed, 0.6f, 99.f) - 0.3f);
    if (view[13] != 0.f && world.y < -1e-3f) {
        float t = -view[12] / world.y, f = view[31];
        float finest = view[0] * fabsf(world.y) / (t * f + 1e-6f) * 0.5f;
        Vec far = mix(load(view + 16), load(view + 19), 0.5f);
        Vec near = plane_colour(world.x * t * f, world.z * t * f, view + 24, view + 27, (int)view[30], seed, view[33], finest);
        colour = mix(far, near, expf(-view[32] * t));
    } else if (view[15] != 0.f || (view[39] != 0.f && world.y < skyline)) {
        float f = view[22];
        colour = plane_colour(world.x / fmaxf(fabsf(world.z), 0.2f) * f, world.y / fmaxf(fabsf(world.z), 0.2f) * f, view + 16, view + 19,
                              (int)view[23], seed + 31.f, view[33], view[0] / f * 0.5f);
    } else {
        float cloud = octaves(world.x * 3.f, world.y * 6.f, seed + 57.f, view[33], 99.f);
        colour = scale(mix(load(view + 16), load(view + 19), clamp(world.y * 1.5f + 0.8f * (cloud - 0.4f), 0.f, 1.f)), 0.8f + 0.4f * cloud);
    }
    for (Index k = 0; k < shape_count; ++k) colour = over_shape(colour, shapes + (image * shape_count + k) * SHAPE, x, y);
    float sun = view[37] * powf(fmaxf(dot(ray, load(view + 34)), 0.f), view[38]);
    float* pixel = out + image * 3 * h * w + row * w + column;
    pixel[0] = colour.x + sun;
    pixel[h * w] = colour.y + sun;
    pixel[2 * h * w] = colour.z + sun * 0.9f;
}

KERNEL(paint,
       (const float* views, const float* shapes, float* out, Index shape_count, Index height, Index width, Index count),
       paint_pixel(i, views, shapes, out, shape_count, height, width))
