-- What would be unreadable inline. A name must be defined before it is used.
-- bq_text_to_* give NULL where the text is not a value; the caller decides whether that fails.

CREATE OR REPLACE MACRO bq_raise(message) AS
  CAST(concat('~bq~', message) AS BIGINT);

CREATE OR REPLACE MACRO bq_raise_text(message) AS
  CAST(bq_raise(message) AS VARCHAR);

CREATE OR REPLACE MACRO bq_fraction(micros) AS
  CASE WHEN micros % 1000000 = 0 THEN ''
  WHEN micros % 1000 = 0 THEN '.' || lpad(CAST((micros // 1000) % 1000 AS VARCHAR), 3, '0')
  ELSE '.' || lpad(CAST(micros % 1000000 AS VARCHAR), 6, '0') END;

CREATE OR REPLACE MACRO bq_text_to_int(x) AS
  CASE WHEN regexp_full_match(x, '\s*[+-]?\d+\s*') THEN TRY_CAST(x AS BIGINT)
  WHEN regexp_full_match(x, '\s*[+-]?0[xX][0-9a-fA-F]+\s*')
  THEN TRY_CAST(replace(trim(x), '+', '') AS BIGINT) END;

CREATE OR REPLACE MACRO bq_text_to_float(x) AS
  CASE WHEN regexp_full_match(x,
  '(?i)\s*[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|inf|infinity|nan)\s*')
  THEN TRY_CAST(trim(x) AS DOUBLE) END;

CREATE OR REPLACE MACRO bq_text_to_numeric(x) AS
  CASE WHEN regexp_full_match(x,
  '(?i)\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*') THEN TRY_CAST(trim(x) AS DECIMAL(38,9))
  END;

CREATE OR REPLACE MACRO bq_text_to_bignumeric(x) AS
  CASE WHEN regexp_full_match(x, '\s*[+-]?(\d+\.?\d{0,18}|\.\d{1,18})\s*')
  THEN TRY_CAST(trim(x) AS DECIMAL(38,18)) END;

CREATE OR REPLACE MACRO bq_text_to_bool(x) AS
  CASE lower(x) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END;

CREATE OR REPLACE MACRO bq_text_to_date(x) AS
  CASE WHEN regexp_full_match(x, '\s*\d{4,5}-\d{1,2}-\d{1,2}([ Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d{0,6})?)?\s*') THEN TRY_CAST(regexp_extract(x, '\d+-\d+-\d+') AS DATE) END;

CREATE OR REPLACE MACRO bq_text_to_datetime(x) AS
  CASE WHEN regexp_full_match(x, '\s*\d{4,5}-\d{1,2}-\d{1,2}([ Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d{0,6})?)?\s*') THEN TRY_CAST(trim(x) AS TIMESTAMP) END;

CREATE OR REPLACE MACRO bq_text_to_time(x) AS
  CASE WHEN regexp_full_match(x, '\d{1,2}:\d{1,2}:\d{1,2}(\.\d{0,6})?') THEN CAST(TRY_CAST('2000-01-01 ' || x AS TIMESTAMP) AS TIME) END;

CREATE OR REPLACE MACRO bq_text_to_timestamp(x) AS
  CASE WHEN regexp_full_match(x, '\s*\d{4,5}-\d{1,2}-\d{1,2}([ Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d{0,6})?)?\s*([Zz]|[+-]\d{1,2}(:\d{2})?|[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*)?\s*') THEN COALESCE(
  TRY_CAST(trim(x) AS TIMESTAMPTZ),
  TRY_CAST(regexp_replace(trim(x), '^(\d+-\d+-\d+)\s*([+-].*)$', '\1 00:00:00\2') AS TIMESTAMPTZ),
  TRY_CAST(regexp_replace(trim(x), '^(\d+-\d+-\d+)\s*([A-Za-z].*)$', '\1 00:00:00 \2') AS TIMESTAMPTZ),
  TRY_CAST(regexp_replace(trim(x), '(:\d+(\.\d*)?)\s*([+-])(\d)(:\d+)?$', '\1\30\4\5') AS TIMESTAMPTZ),
  TRY_CAST(regexp_replace(trim(x), '([0-9])\s*([A-Za-z_/]+)$', '\1 \2') AS TIMESTAMPTZ)) END;

CREATE OR REPLACE MACRO bq_bytes_to_text(x) AS
  TRY(decode(x));

CREATE OR REPLACE MACRO bq_decimal_text(x) AS
  regexp_replace(CAST(x AS VARCHAR), '(\.\d*?)0+$', '\1').rtrim('.');

CREATE OR REPLACE MACRO bq_float_text(x) AS
  CASE WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN'
  WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'inf' ELSE '-inf' END WHEN x = 0 THEN '0'
  WHEN CAST(printf('%.15g', x) AS DOUBLE) = x THEN printf('%.15g', x)
  ELSE printf('%.17g', x) END;

CREATE OR REPLACE MACRO bq_datetime_text(x) AS
  strftime(x, '%Y-%m-%d %H:%M:%S') || bq_fraction(CAST(epoch_us(x) % 1000000 + 1000000 AS BIGINT));

CREATE OR REPLACE MACRO bq_time_text(x) AS
  left(CAST(x AS VARCHAR), 8) || bq_fraction(epoch_us(x));

CREATE OR REPLACE MACRO bq_timestamp_text(x) AS
  bq_datetime_text(timezone('UTC', x)) || '+00';

CREATE OR REPLACE MACRO bq_index(size, position) AS
  CASE WHEN position < 0 THEN bq_raise(concat('Array index ', position,
  ' is out of bounds')) WHEN position >= size THEN bq_raise(concat('Array index ', position,
  ' is out of bounds (overflow)')) ELSE position + 1 END;

CREATE OR REPLACE MACRO bq_fails(a, operator, b, result) AS
  (operator = '/' AND b = 0 AND a IS NOT NULL)
  OR (isfinite(a) AND isfinite(b) AND isinf(result));

CREATE OR REPLACE MACRO bq_fail(a, operator, b) AS
  CAST(bq_raise(concat(CASE WHEN operator = '/' AND b = 0 THEN 'division by zero: '
  ELSE 'double overflow: ' END, bq_float_text(a), ' ', operator, ' ', bq_float_text(b)))
  AS DOUBLE);

CREATE OR REPLACE MACRO bq_scaled(x) AS
  CAST(x * CAST(1000000000 AS DECIMAL(10,0)) AS HUGEINT);

CREATE OR REPLACE MACRO bq_half_away(n, d) AS
  sign(n) * sign(d) * ((abs(n) + abs(d) // 2) // abs(d));

CREATE OR REPLACE MACRO bq_unscaled(n) AS
  CAST(n // 1000000000 AS DECIMAL(38,9))
  + CAST(CAST(n % 1000000000 AS DECIMAL(10,0))
    * CAST(0.000000001 AS DECIMAL(10,9)) AS DECIMAL(38,9));

CREATE OR REPLACE MACRO bq_divide_numeric(a, b) AS
  CASE WHEN b = 0 THEN CAST(bq_raise(concat('division by zero: ', bq_decimal_text(a), ' / ',
  bq_decimal_text(b))) AS DECIMAL(38,9))
  ELSE bq_unscaled(bq_half_away(bq_scaled(a) * 1000000000, bq_scaled(b))) END;

CREATE OR REPLACE MACRO bq_safe_divide(a, b) AS
  CASE WHEN b = 0 THEN NULL ELSE a / b END;

CREATE OR REPLACE MACRO bq_div(a, b) AS
  CASE WHEN b = 0 THEN bq_raise(concat('division by zero: ', a, ' / ', b)) ELSE a // b
  END;

CREATE OR REPLACE MACRO bq_mod(a, b) AS
  CASE WHEN b = 0 THEN bq_raise(concat('division by zero: MOD(', a, ', ', b, ')'))
  ELSE a % b END;

CREATE OR REPLACE MACRO bq_interval_micros(x) AS
  CAST(date_part('hour', x) AS BIGINT) * 3600000000
  + CAST(date_part('minute', x) AS BIGINT) * 60000000
  + CAST(date_part('microsecond', x) AS BIGINT);

CREATE OR REPLACE MACRO bq_interval_text(x) AS
  concat(CASE WHEN x < to_months(0) AND date_part('year', x) * 12 + date_part('month', x) < 0
  THEN '-' ELSE '' END, abs(date_part('year', x)), '-', abs(date_part('month', x)), ' ',
  date_part('day', x), ' ', CASE WHEN bq_interval_micros(x) < 0 THEN '-' ELSE '' END,
  abs(bq_interval_micros(x)) // 3600000000, ':',
  (abs(bq_interval_micros(x)) // 60000000) % 60, ':',
  (abs(bq_interval_micros(x)) // 1000000) % 60, bq_fraction(abs(bq_interval_micros(x))));

CREATE OR REPLACE MACRO bq_unsigned(x) AS
  CASE WHEN x < 0 THEN CAST(x AS HUGEINT) + 18446744073709551616 ELSE CAST(x AS HUGEINT) END;

CREATE OR REPLACE MACRO bq_signed(x) AS
  CAST(CASE WHEN x >= 9223372036854775808 THEN CAST(x AS HUGEINT) - 18446744073709551616 ELSE CAST(x AS HUGEINT) END AS BIGINT);

CREATE OR REPLACE MACRO bq_shift_left(x, n) AS
  CASE WHEN n < 0 THEN bq_raise(concat('Bitwise shift by negative offset: ', n))
  WHEN n >= 64 THEN CAST(0 AS BIGINT)
  ELSE bq_signed((CAST(bq_unsigned(x) AS UHUGEINT) * CAST(pow(2, n) AS UHUGEINT)) % 18446744073709551616) END;

CREATE OR REPLACE MACRO bq_shift_right(x, n) AS
  CASE WHEN n < 0 THEN bq_raise(concat('Bitwise shift by negative offset: ', n))
  WHEN n >= 64 THEN CAST(0 AS BIGINT)
  ELSE bq_signed(bq_unsigned(x) // CAST(pow(2, n) AS HUGEINT)) END;

CREATE OR REPLACE MACRO bq_floor_div(a, b) AS
  (a // b) - CASE WHEN a % b < 0 THEN 1 ELSE 0 END;

CREATE OR REPLACE MACRO bq_offset_text(minutes, separator) AS
  concat(CASE WHEN minutes < 0 THEN '-' ELSE '+' END,
    lpad(CAST(abs(minutes) // 60 AS VARCHAR), 2, '0'), separator,
    lpad(CAST(abs(minutes) % 60 AS VARCHAR), 2, '0'));

CREATE OR REPLACE MACRO bq_timestamp_text_in(x, zone) AS
  bq_datetime_text(timezone(zone, x)) || replace(
    bq_offset_text(date_diff('minute', timezone('UTC', x), timezone(zone, x)), ':'), ':00', '');

CREATE OR REPLACE MACRO bq_in_array(x, items) AS
  CASE WHEN items IS NULL OR len(items) = 0 THEN FALSE WHEN x IS NULL THEN NULL
  WHEN list_contains(items, x) THEN TRUE
  WHEN len(list_filter(items, lambda _e: _e IS NULL)) > 0 THEN NULL ELSE FALSE END;

CREATE OR REPLACE MACRO bq_limited(x, size, is_safe) AS
  CASE WHEN length(x) <= size OR x IS NULL THEN x WHEN is_safe THEN NULL
  ELSE bq_raise_text(concat('maximum length of type is ', size, ' but value has length ', length(x))) END;

CREATE OR REPLACE MACRO bq_bytes_to_text_lossy(x) AS
  decode(x, 'replace');

-- Text.

CREATE OR REPLACE MACRO bq_split(x, separator) AS
  CASE WHEN x IS NULL OR separator IS NULL THEN NULL WHEN x = '' THEN [''] ELSE string_split(x, separator) END;

CREATE OR REPLACE MACRO bq_substr(x, start) AS
  CASE WHEN start > 0 THEN substr(x, start) WHEN start = 0 THEN x
  WHEN -start >= length(x) THEN x ELSE substr(x, length(x) + start + 1) END;

CREATE OR REPLACE MACRO bq_substr_length(x, start, size) AS
  CASE WHEN size < 0 THEN bq_raise_text('Third argument in SUBSTR() cannot be negative')
  ELSE left(bq_substr(x, start), size) END;

CREATE OR REPLACE MACRO bq_substr_bytes(x, start, size) AS
  unhex(substr(hex(x),
    CASE WHEN start > 0 THEN start * 2 - 1 WHEN start = 0 OR -start >= octet_length(x) THEN 1
    ELSE (octet_length(x) + start) * 2 + 1 END,
    COALESCE(size, octet_length(x)) * 2));

CREATE OR REPLACE MACRO bq_left(x, size) AS
  CASE WHEN size < 0 THEN bq_raise_text('Second argument in LEFT() cannot be negative') ELSE left(x, size) END;

CREATE OR REPLACE MACRO bq_right(x, size) AS
  CASE WHEN size < 0 THEN bq_raise_text('Second argument in RIGHT() cannot be negative') ELSE right(x, size) END;

CREATE OR REPLACE MACRO bq_lpad(x, size, pad) AS
  CASE WHEN size < 0 THEN bq_raise_text('Second argument in LPAD() cannot be negative')
  ELSE lpad(x, CAST(size AS INTEGER), pad) END;

CREATE OR REPLACE MACRO bq_rpad(x, size, pad) AS
  CASE WHEN size < 0 THEN bq_raise_text('Second argument in RPAD() cannot be negative')
  ELSE rpad(x, CAST(size AS INTEGER), pad) END;

CREATE OR REPLACE MACRO bq_zero_pad(x, size) AS
  CASE WHEN starts_with(x, '-') THEN '-' || lpad(substr(x, 2), CAST(greatest(size - 1, length(x) - 1) AS INTEGER), '0')
  ELSE lpad(x, CAST(greatest(size, length(x)) AS INTEGER), '0') END;

CREATE OR REPLACE MACRO bq_replace(x, old, new) AS
  CASE WHEN old = '' THEN x ELSE replace(x, old, new) END;

CREATE OR REPLACE MACRO bq_initcap(x) AS
  array_to_string(list_transform(regexp_extract_all(x, '[^\s\[\](){}/|<>!?@"^#$&~_,.:;*%+-]+|[\s\[\](){}/|<>!?@"^#$&~_,.:;*%+-]+'),
    lambda _w: upper(left(_w, 1)) || lower(substr(_w, 2))), '');

CREATE OR REPLACE MACRO bq_code_points(x) AS
  CASE WHEN x = '' THEN CAST([] AS BIGINT[])
  ELSE CAST(list_transform(regexp_extract_all(x, '(?s).'), lambda _c: unicode(_c)) AS BIGINT[]) END;

CREATE OR REPLACE MACRO bq_from_code_points(items) AS
  array_to_string(list_transform(items, lambda _c: chr(CAST(_c AS INTEGER))), '');

CREATE OR REPLACE MACRO bq_from_hex(x) AS
  unhex(CASE WHEN length(x) % 2 = 1 THEN '0' || x ELSE x END);

CREATE OR REPLACE MACRO bq_quoted(x) AS
  '"' || replace(replace(replace(x, '\', '\\'), '"', '\"'), chr(10), '\n') || '"';

CREATE OR REPLACE MACRO bq_float_format(x) AS
  CASE WHEN x IS NULL THEN NULL
  WHEN regexp_full_match(bq_float_text(x), '-?\d+') THEN bq_float_text(x) || '.0' ELSE bq_float_text(x) END;

-- Arrays.

CREATE OR REPLACE MACRO bq_array_to_string(items, separator) AS
  CASE WHEN items IS NULL OR separator IS NULL THEN NULL
  ELSE array_to_string(list_filter(items, lambda _e: _e IS NOT NULL), separator) END;

CREATE OR REPLACE MACRO bq_array_to_string_with(items, separator, missing) AS
  CASE WHEN items IS NULL OR separator IS NULL THEN NULL
  ELSE array_to_string(list_transform(items, lambda _e: COALESCE(_e, missing)), separator) END;

CREATE OR REPLACE MACRO bq_array_slice(items, first, last) AS
  list_slice(items,
    CASE WHEN first >= 0 THEN first + 1 ELSE greatest(len(items) + first + 1, 1) END,
    CASE WHEN last >= 0 THEN last + 1 ELSE len(items) + last + 1 END);

CREATE OR REPLACE MACRO bq_range_bucket(point, points) AS
  CASE WHEN point IS NULL OR points IS NULL THEN NULL
  ELSE CAST(len(list_filter(points, lambda _e: _e <= point)) AS BIGINT) END;

CREATE OR REPLACE MACRO bq_top_count(counts, size) AS
  list_transform(list_slice(list_reverse_sort(list_transform(map_entries(counts),
    lambda _e: struct_pack(n := CAST(_e.value AS BIGINT), v := _e.key))), 1, size),
    lambda _s: struct_pack("value" := _s.v, "count" := _s.n));

-- Numbers.

CREATE OR REPLACE MACRO bq_trunc(x, digits) AS
  CASE WHEN digits = 0 THEN trunc(x) ELSE trunc(x * pow(10, digits)) / pow(10, digits) END;

CREATE OR REPLACE MACRO bq_sqrt(x) AS
  CASE WHEN x < 0 THEN CAST(bq_raise(concat('Argument to SQRT cannot be negative: ', bq_float_text(x))) AS DOUBLE)
  ELSE sqrt(x) END;

CREATE OR REPLACE MACRO bq_ln(x) AS
  CASE WHEN x <= 0 THEN CAST(bq_raise(concat('Floating point error in function: LN(', bq_float_text(x), ')')) AS DOUBLE)
  ELSE ln(x) END;

CREATE OR REPLACE MACRO bq_exp(x) AS
  CASE WHEN isinf(exp(x)) AND isfinite(x)
  THEN CAST(bq_raise(concat('Floating point error in function: EXP(', bq_float_text(x), ')')) AS DOUBLE)
  ELSE exp(x) END;

CREATE OR REPLACE MACRO bq_pow(x, y) AS
  CASE WHEN (x < 0 AND y <> floor(y)) OR (isinf(pow(x, y)) AND isfinite(x) AND isfinite(y))
  THEN CAST(bq_raise(concat('Floating point error in function: POW(', bq_float_text(x), ', ', bq_float_text(y), ')')) AS DOUBLE)
  ELSE pow(x, y) END;

-- JSON.

CREATE OR REPLACE MACRO bq_valid_json(x) AS
  CASE WHEN json_valid(x) THEN CAST(x AS JSON) END;

CREATE OR REPLACE MACRO bq_json_scalar(x) AS
  CASE WHEN json_type(x) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE x ->> '$' END;

CREATE OR REPLACE MACRO bq_json_text_or_null(x) AS
  CASE WHEN json_type(x) = 'NULL' THEN NULL ELSE CAST(x AS VARCHAR) END;

CREATE OR REPLACE MACRO bq_json_items(x) AS
  CASE WHEN json_type(x) = 'ARRAY' THEN CAST(x AS JSON[]) END;

CREATE OR REPLACE MACRO bq_json_scalars(items) AS
  CASE WHEN len(list_filter(items, lambda _e: json_type(_e) IN ('OBJECT', 'ARRAY'))) > 0 THEN NULL
  ELSE list_transform(items, lambda _e: bq_json_scalar(_e)) END;

CREATE OR REPLACE MACRO bq_json_type(x) AS
  CASE json_type(x) WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'NULL' THEN 'null'
  WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array' WHEN NULL THEN NULL
  ELSE CASE WHEN x IS NULL THEN NULL ELSE 'number' END END;

CREATE OR REPLACE MACRO bq_json_string(x) AS
  CAST(to_json(x) AS VARCHAR);

CREATE OR REPLACE MACRO bq_json_int(x) AS
  CASE WHEN x BETWEEN -9007199254740992 AND 9007199254740992 THEN CAST(x AS VARCHAR)
  ELSE '"' || CAST(x AS VARCHAR) || '"' END;

CREATE OR REPLACE MACRO bq_json_number(x) AS
  CAST(x AS VARCHAR);

CREATE OR REPLACE MACRO bq_json_float(x) AS
  CASE WHEN isnan(x) THEN '"NaN"' WHEN isinf(x) THEN CASE WHEN x > 0 THEN '"Infinity"' ELSE '"-Infinity"' END
  ELSE bq_float_text(x) END;

CREATE OR REPLACE MACRO bq_json_to_string(x) AS
  CASE WHEN x IS NULL OR json_type(x) = 'NULL' THEN NULL WHEN json_type(x) = 'VARCHAR' THEN x ->> '$'
  ELSE bq_raise_text('The provided JSON input is not a string') END;

CREATE OR REPLACE MACRO bq_json_to_int(x) AS
  CASE WHEN x IS NULL OR json_type(x) = 'NULL' THEN NULL
  WHEN json_type(x) IN ('BIGINT', 'UBIGINT') THEN CAST(x ->> '$' AS BIGINT)
  WHEN json_type(x) = 'DOUBLE' AND CAST(x ->> '$' AS DOUBLE) = trunc(CAST(x ->> '$' AS DOUBLE))
  THEN CAST(CAST(x ->> '$' AS DOUBLE) AS BIGINT)
  ELSE bq_raise('The provided JSON input is not an integer') END;

CREATE OR REPLACE MACRO bq_json_to_float(x) AS
  CASE WHEN x IS NULL OR json_type(x) = 'NULL' THEN NULL
  WHEN json_type(x) IN ('BIGINT', 'UBIGINT', 'DOUBLE') THEN CAST(x ->> '$' AS DOUBLE)
  ELSE CAST(bq_raise('The provided JSON input is not a number') AS DOUBLE) END;

CREATE OR REPLACE MACRO bq_json_to_bool(x) AS
  CASE WHEN x IS NULL OR json_type(x) = 'NULL' THEN NULL
  WHEN json_type(x) = 'BOOLEAN' THEN CAST(x ->> '$' AS BOOLEAN)
  ELSE CAST(bq_raise('The provided JSON input is not a boolean') AS BOOLEAN) END;
